#!/usr/bin/env bash
# Lets each single call of the write path fail, one after the other, and sends a signal in place of each: in the end there is the
# old file or the new one, whole, and the command has said which.
#
#   each_call_test.sh FORESHARD FAILING_CALLS_LIBRARY
set -euo pipefail
foreshard=$1
library=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
failed=0
runs=0
complain() {
  printf '%s: %s\n' "$what" "$1"
  failed=1
}
# run [ENVIRONMENT…]: an old file alone in its folder, and the command that replaces it; its exit code goes to "code".
run() {
  rm -rf out && mkdir out && echo old >out/page.html
  code=0
  # The shell says by itself that a process was killed.
  { env "$@" LD_PRELOAD="$library" "$foreshard" plan llama3-8b-8h100 --html out/page.html >printed 2>said || code=$?; } 2>shell
  runs=$((runs + 1))
}
# is_whole: the old file, or the new one.
is_whole() { [[ $(head -c 4 out/page.html 2>/dev/null) == old ]] || cmp -s out/page.html new.html; }
is_new() { cmp -s out/page.html new.html; }
is_alone() { [[ $(ls -A out) == page.html ]]; }

run FAILING_CALLS=
cp out/page.html new.html
for tmpfile in '' tmpfile; do
  run FAILING_CALLS=$tmpfile FAILING_COUNTED="$scratch/counted"
  calls=$(cat counted)
  # An open, its mode, a write, fsync, a rename, close, and the folder's three.
  what="calls ($tmpfile)"
  ((calls >= 9)) || complain "only $calls calls of the write path are seen"
  for ((n = 1; n <= calls; ++n)); do
    for errno in 5 28; do # EIO, ENOSPC
      what="${tmpfile:-nameless} call $n of $calls fails with errno $errno"
      run FAILING_CALLS=$tmpfile FAILING_AT="$n" FAILING_HOW=$errno
      is_whole || complain 'the file is neither the old nor the new one'
      is_alone || complain "beside it there is: $(ls -A out)"
      if ((code == 0)); then
        is_new || complain 'it says nothing, and the file is the old one'
      else
        ((code == 3)) || complain "exit code $code"
        grep -q "'out/page.html' cannot be written: [a-z ]*: \(Input/output error\|No space left on device\)" said || complain "it says: $(head -3 said)"
      fi
    done
    for signal in 2 15; do
      what="${tmpfile:-nameless} signal $signal at call $n of $calls"
      run FAILING_CALLS=$tmpfile FAILING_AT="$n" FAILING_HOW=SIG$signal
      ((code == 128 + signal)) || complain "exit code $code"
      is_whole || complain 'the file is neither the old nor the new one'
      is_alone || complain "beside it there is: $(ls -A out)"
    done
    what="${tmpfile:-nameless} killed at call $n of $calls"
    run FAILING_CALLS=$tmpfile FAILING_AT="$n" FAILING_HOW=SIG9
    ((code == 137)) || complain "exit code $code"
    is_whole || complain 'the file is neither the old nor the new one'
  done
done

# A reader that has gone, standard output without room, and a folder in which nothing may be written.
what='standard output whose reader has gone'
code=0
"$foreshard" plan llama3-8b-8h100 --format json 2>said | head -c 1 >printed || code=$?
((code == 0)) || complain "exit code $code: $(head -3 said)"
what='standard output without room'
code=0
"$foreshard" plan llama3-8b-8h100 >/dev/full 2>said || code=$?
if ((code != 3)) || ! grep -q 'standard output cannot be written: No space left on device' said; then
  complain "exit code $code: $(head -3 said)"
fi
if ((EUID != 0)); then
  what='a folder in which nothing may be written'
  mkdir locked && chmod 555 locked
  code=0
  "$foreshard" plan llama3-8b-8h100 --html locked/page.html >printed 2>said || code=$?
  if ((code != 3)) || ! grep -q 'Permission denied; name a file in a folder in which you may write' said; then
    complain "exit code $code: $(head -3 said)"
  fi
fi
printf '%d runs\n' "$runs"
exit $failed
