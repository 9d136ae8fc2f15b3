#!/usr/bin/env bash
# Runs two ranks that end badly and holds the end to its promises: within seconds, with the right exit code, one clear
# message, and nothing left behind: no process, no file.
#
#   ends_test.sh WAY EXIT_CODE PATTERN… -- MPIRUN ARGUMENT… PROBE
#
# PATTERN: extended regular expressions, each of which one line of what is printed must match; one alone if it starts
# with "once:". The way "interrupt" is ended by SIGINT to mpirun.
set -euo pipefail

way=$1
expected_code=$2
shift 2
patterns=()
while [[ $1 != -- ]]; do
  patterns+=("$1")
  shift
done
shift

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/shared" "$scratch/session"
# Where Open MPI keeps shared memory and its sockets: places of this run's own, so that leftovers are its own.
export OMPI_MCA_btl_vader_backing_directory=$scratch/shared TMPDIR=$scratch/session
limit_s=60
# A name of this run's own for the probe, by which its processes are known.
probe=$scratch/probe
ln -s "${*: -1}" "$probe"

fail() {
  printf 'ends_test.sh %s: %s\nprinted was:\n' "$way" "$1"
  cat "$scratch/printed"
  exit 1
}

began=$SECONDS
"${@:1:$#-1}" "$probe" "$way" >"$scratch/printed" 2>&1 &
mpirun=$!
if [[ $way == interrupt ]]; then
  # Both ranks are there once both have been started and have had time to meet.
  for ((i = 0; i < 100; ++i)); do
    if (($(pgrep -fc "^$probe " || true) == 2)); then break; fi
    sleep 0.2
  done
  sleep 2
  kill -INT $mpirun
fi
code=0
wait $mpirun || code=$?
took=$((SECONDS - began))

((code == expected_code)) || fail "exit code $code, expected $expected_code"
((took < limit_s)) || fail "took $took s"
for pattern in "${patterns[@]}"; do
  found=$(grep -cE -- "${pattern#once:}" "$scratch/printed" || true)
  ((found > 0)) || fail "nothing matches: ${pattern#once:}"
  [[ $pattern != once:* ]] || ((found == 1)) || fail "said $found times: ${pattern#once:}"
done
# mpirun has returned; what it has killed may take a moment to be gone.
for ((i = 0; i < 50; ++i)); do
  pgrep -f "$probe " >/dev/null || break
  sleep 0.1
done
if pgrep -fa "$probe "; then fail "processes are left"; fi
left=$(find "$scratch/shared" "$scratch/session" -type f -o -type s)
[[ -z $left ]] || fail "files are left: $left"
