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
# run [ENVIRONMENT…]: old files alone in their folder, and the command that replaces them; its exit code goes to "code".
run() {
  rm -rf out && mkdir out
  local file
  for file in "${files[@]}"; do echo old >"out/$file"; done
  code=0
  # The shell says by itself that a process was killed.
  { env "$@" LD_PRELOAD="$library" "$foreshard" "${command[@]}" >printed 2>said || code=$?; } 2>shell
  runs=$((runs + 1))
}
# is_whole: each file is the old one or the new one.
is_whole() {
  local file
  for file in "${files[@]}"; do
    cmp -s "out/$file" old || cmp -s "out/$file" "new/$file" || return 1
  done
}
is_new() { diff -rq out new >differences; }
is_alone() { [[ $(ls -A out) == "$(ls -A new)" ]]; }

# each_call TMPFILE ERRNOS SIGNALS: every call of the write path fails so, and a signal comes in its place.
each_call() {
  local tmpfile=$1 errnos=$2 signals=$3 calls n errno signal
  run FAILING_CALLS="$tmpfile" FAILING_COUNTED="$scratch/counted"
  calls=$(cat counted)
  # For each file an open, its mode, a write, fsync, a rename, close, and the folder's three.
  what="${command[0]}: calls ($tmpfile)"
  ((calls >= 9 * ${#files[@]})) || complain "only $calls calls of the write path are seen"
  for ((n = 1; n <= calls; ++n)); do
    for errno in $errnos; do
      what="${command[0]}: ${tmpfile:-nameless} call $n of $calls fails with errno $errno"
      run FAILING_CALLS="$tmpfile" FAILING_AT="$n" FAILING_HOW="$errno"
      is_whole || complain 'a file is neither the old nor the new one'
      is_alone || complain "there is: $(ls -A out)"
      if ((code == 0)); then
        is_new || complain 'it says nothing, and a file is the old one'
      else
        ((code == 3)) || complain "exit code $code"
        grep -q "'out/[^']*' cannot be written: [a-z ]*: \(Input/output error\|No space left on device\)" said || complain "it says: $(head -3 said)"
      fi
    done
    for signal in $signals; do
      what="${command[0]}: ${tmpfile:-nameless} signal $signal at call $n of $calls"
      run FAILING_CALLS="$tmpfile" FAILING_AT="$n" FAILING_HOW="SIG$signal"
      ((code == 128 + signal)) || complain "exit code $code"
      is_whole || complain 'a file is neither the old nor the new one'
      # Nothing removes a named file of a process that is killed.
      ((signal == 9)) || is_alone || complain "there is: $(ls -A out)"
    done
  done
}
# expect_files: what the command writes when nothing fails.
expect_files() {
  run FAILING_CALLS=
  rm -rf new && mv out new
}

echo old >old
# EIO 5, ENOSPC 28.
command=(plan llama3-8b-8h100 --html out/page.html)
files=(page.html)
expect_files
each_call '' '5 28' '2 9 15'
each_call tmpfile '5 28' '2 9 15'
# Commands that write several files, or compress them.
command=(search llama3-8b-8h100 --free micro_batch --emit out)
files=(llama3-8b-8h100-1.yaml llama3-8b-8h100-2.yaml)
expect_files
each_call '' 28 15
command=(export tiny-llama-laptop --to chakra --out out/s)
files=(s.0.et s.1.et s.groups.json)
expect_files
each_call '' 28 15
command=(simulate tiny-llama-laptop --trace out/step.json.gz)
files=(step.json.gz)
expect_files
each_call '' 28 15

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
