#!/usr/bin/env bash
# foreshard-run search as a user starts it: the bytes of foreshard search on any number of ranks, and an end with a message
# when a rank dies, stops, or the run is interrupted.
#
#   search_mpi_test.sh FORESHARD FORESHARD_RUN MPIRUN…
set -euo pipefail
foreshard=$1
tool=$2
mpirun=("${@:3}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
failed=0
complain() {
  printf '%s: %s\nstandard output:\n%s\nstandard error:\n%s\n' "$what" "$1" "$(head -c 3000 out)" "$(head -c 3000 err)"
  failed=1
}
says() { grep -qE -- "$2" "$1" || complain "no '$2' in $1"; }

job=(tiny-llama-laptop --devices 8 --set cluster.devices_per_node=8 --set training.global_batch=16 --free tp,pp,micro_batch,zero --top 3)
"$foreshard" search "${job[@]}" --format json --emit one >plain
for ranks in 1 2 4; do
  what="search on $ranks ranks"
  "${mpirun[@]}" $ranks "$tool" search "${job[@]}" --format json --emit many >out 2>err </dev/null || complain "exit code $?"
  cmp plain out >&2 || complain 'other bytes than foreshard search'
  diff -r one many || complain 'other job files than foreshard search'
  rm -r many
done

# expect CODE ARGUMENT…: on two ranks
expect() {
  local code=0 expected=$1
  shift
  what="search $*"
  "${mpirun[@]}" 2 "$tool" search "$@" >out 2>err </dev/null || code=$?
  [[ $code == "$expected" ]] || complain "exit code $code, not $expected"
}
expect 2 -
says err 'standard input reaches one rank alone'
expect 2 tiny-llama-laptop --free tp,pq
says err "there is no axis 'pq'"
expect 2 tiny-llama-laptop : "${mpirun[-1]}" 1 "$tool" search tiny-llama-laptop --set training.sequence_length=64
says err 'has another job than rank 0'
# No plan fits.
expect 1 llama3-70b-64h100 --free zero --tp 1 --pp 1
says out 'No plan fits'

# Longer than any of the faults below takes to come.
long=(llama3-70b-64h100 --free all --timeout 3)
start() {
  "${mpirun[@]}" 2 "$tool" search "${long[@]}" >out 2>err </dev/null &
  run=$!
  while (($(pgrep -c -P $run) < 2)); do sleep 0.05; done
  sleep 1
}
end() {
  code=0
  wait $run || code=$?
}
what='Ctrl-C'
# How long mpirun leaves ranks before it kills them: more than its second, for a machine under load.
OMPI_MCA_odls_base_sigkill_timeout=2 start
kill -INT $run
end
((code > 0)) || complain "exit code $code"
says out 'so far'
what='a rank that is killed'
start
kill -KILL "$(pgrep -P $run | tail -n 1)"
end
[[ $code == 137 ]] || complain "exit code $code, not 137"
says err 'signal 9'
what='a rank that is stopped'
start
kill -STOP "$(pgrep -P $run | tail -n 1)"
end
[[ $code == 3 ]] || complain "exit code $code, not 3"
says err 'no progress for 3 s'
exit $failed
