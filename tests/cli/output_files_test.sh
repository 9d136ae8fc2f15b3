#!/usr/bin/env bash
# What becomes of a file that is written when a call fails or a signal comes: the old file stays, and nothing beside it.
#
#   output_files_test.sh FORESHARD [FAILING_CALLS_LIBRARY]
set -euo pipefail
foreshard=$1
library=${2:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
failed=0
complain() {
  printf '%s: %s\n' "$what" "$1"
  failed=1
}
# reset: an old file alone in its folder.
reset() {
  rm -rf out && mkdir out && echo old >out/step.json
}
expect_old() {
  [[ $(cat out/step.json) == old ]] || complain 'the old file is gone'
  local left
  left=$(ls -A out)
  [[ $left == step.json ]] || complain "beside the old file there is: $left"
}
short=("$foreshard" simulate llama3-8b-8h100 --trace out/step.json)
# Fifty million operations: it does not end before it is told to.
long=("$foreshard" simulate gpt3-175b-selene --set training.global_batch=153600 --trace out/step.json
  --trace-micro-batches 1)

# fails CALLS WORDS: with these calls failing the command ends by 3 and says so.
fails() {
  what="failing: $1"
  reset
  local code=0
  FAILING_CALLS=$1 LD_PRELOAD=$library "${short[@]}" >said 2>&1 || code=$?
  ((code == 3)) || complain "exit code $code, not 3"
  grep -qF "'out/step.json' cannot be written: $2: No space left on device; make room on this disk" said ||
    complain "it says: $(head -3 said)"
  expect_old
}
if [[ -n $library ]]; then
  for how in '' tmpfile,; do
    fails "${how}write" write
    fails "${how}fsync" fsync
    fails "${how}rename" rename
  done
  fails linkat linkat
  what='without files that have no name'
  reset
  FAILING_CALLS=tmpfile LD_PRELOAD=$library "${short[@]}" >said 2>&1 || complain "it fails: $(head -3 said)"
  grep -q traceEvents out/step.json || complain 'the file was not replaced'
  [[ $(ls -A out) == step.json ]] || complain "there is: $(ls -A out)"
fi

what='a limit on the size of files'
reset
code=0
(ulimit -f 1 && "${short[@]}" >/dev/null 2>said) || code=$?
((code == 3)) || complain "exit code $code, not 3"
grep -qF 'write: File too large; raise the limit on the size of files (ulimit -f)' said || complain "it says: $(head -3 said)"
expect_old

# has_begun PID: the process writes into out, or into a file there that has no name.
has_begun() {
  local link
  for link in "/proc/$1/fd/"*; do
    case $(readlink "$link" 2>/dev/null) in "$PWD/out/"*) return 0 ;; esac
  done
  return 1
}
# ended_by SIGNAL [ENVIRONMENT…]
ended_by() {
  local signal=$1
  shift
  what="SIG$signal $*"
  reset
  # Not as a job of this shell in the background, for which it would ignore SIGINT and SIGQUIT.
  env --default-signal=INT,QUIT,HUP,TERM "$@" "${long[@]}" >/dev/null 2>said &
  local process=$! code=0 try
  for ((try = 0; try < 3000; ++try)); do
    has_begun "$process" && break
    kill -0 "$process" 2>/dev/null || break
    sleep 0.1
  done
  has_begun "$process" || complain "it does not write: $(head -3 said)"
  kill -s "$signal" "$process" 2>/dev/null || complain 'it had ended'
  wait "$process" || code=$?
  ((code == 128 + $(kill -l "$signal"))) || complain "exit code $code"
  expect_old
}
for signal in INT TERM QUIT HUP; do
  ended_by $signal
  [[ -z $library ]] || ended_by $signal FAILING_CALLS=tmpfile "LD_PRELOAD=$library"
done
exit $failed
