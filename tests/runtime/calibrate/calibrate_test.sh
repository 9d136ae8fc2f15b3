#!/bin/bash
# foreshard-run calibrate on two ranks: it writes a complete file, plans can be made with the file, and wrong input is
# refused before anything is measured. The measured figures themselves cannot be tested.
#
#   calibrate_test.sh MPIRUN FORESHARD_RUN FORESHARD
set -euo pipefail

mpirun=$1
foreshard_run=$2
foreshard=$3
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"

fail() {
  echo "calibrate_test: $*" >&2
  exit 1
}

# expect CODE TEXT RANKS ARGUMENT…: checks the exit code, and that standard error has the text.
expect() {
  local code=$1 words=$2 ranks=$3 got=0
  shift 3
  "$mpirun" -q -n "$ranks" "$foreshard_run" calibrate "$@" >out 2>err || got=$?
  [ "$got" -eq "$code" ] || fail "'$*' ended with $got, not $code: $(cat err)"
  grep -qF -- "$words" err || fail "'$*' does not say '$words': $(cat err)"
}

expect 2 '--out' 1
expect 2 'is a directory' 1 --out "$directory"
expect 3 'cannot be written' 2 --out "$directory/nowhere/c.yaml"
expect 2 '--thread' 1 --out c.yaml --threads 0
expect 2 'name is blank' 1 --out c.yaml --name ' '
[ ! -e c.yaml ] || fail 'a wrong command line left a file'

"$mpirun" -n 2 "$foreshard_run" calibrate --quick --threads 1 --out my-cluster.yaml >out 2>err ||
  fail "it failed: $(cat err)"
grep -q 'matrix products' out || fail "no table: $(cat out)"
grep -qF 'wrote my-cluster.yaml' out || fail 'it does not say where'
! grep -q '\[#' err || fail 'a progress bar in a pipe'
[ "$(ls | sort | tr '\n' ' ')" = 'err my-cluster.yaml out ' ] || fail "it left files: $(ls)"

for key in '^name: "my-cluster"' '^devices_per_node: 2' '^nodes: 1' '^fabric: shared-memory' 'kind: cpu'; do
  grep -q "$key" my-cluster.yaml || fail "the file lacks $key"
done
grep -q "source: \"measured on .*$(date -u +%Y-).*2 ranks at the same time" my-cluster.yaml || fail 'figures without source'

# The file can be read: a plan with 2 stages on this machine.
"$foreshard" plan tiny-llama-laptop --set cluster=my-cluster.yaml --format json >plan.json
grep -q '"cluster": "my-cluster"' plan.json || fail "planned on another cluster: $(cat plan.json)"
