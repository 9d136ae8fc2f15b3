#!/usr/bin/env bash
# Fuzzes readers with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer; builds the preset fuzz first.
#
#   tests/fuzz/fuzz.sh SECONDS [READER…]     all readers by default, one after the other
#
# An input that crashes, leaks, takes more than 10 s or more than 512 MiB is left in build/fuzz/findings/READER. Mended,
# it belongs into tests/fuzz/found/READER, which every run of the tests reads. On a busy machine FORESHARD_FUZZ_TIMEOUT allows
# more seconds for an input; the CPU time of each reader is printed, too.
set -euo pipefail
seconds=${1:?usage: tests/fuzz/fuzz.sh SECONDS [READER…]}
shift
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
command -v clang++-14 >/dev/null || command -v clang++ >/dev/null || {
  echo "fuzz.sh: skipped: there is no clang (apt-get install clang-14 libclang-rt-14-dev)" >&2
  exit 77
}
export FORESHARD_CONFIGS=$root/configs
TIMEFORMAT=%U
if [[ -z ${FORESHARD_FUZZER:-} ]]; then
  cmake --preset fuzz >/dev/null
  cmake --build --preset fuzz
  FORESHARD_FUZZER=$root/build/fuzz/bin/foreshard_fuzz
fi
table=$root/build/fuzz/tests/fuzz/readers.txt
status=0
while read -r reader seeds; do
  if (($#)) && [[ " $* " != *" $reader "* ]]; then continue; fi
  corpus=build/fuzz/corpus/$reader findings=build/fuzz/findings/$reader log=build/fuzz/$reader.log
  mkdir -p "$corpus" "$findings"
  # What begins with a large file spends its time on it: libFuzzer starts from the small ones.
  code=0
  # shellcheck disable=SC2086  # folders, separated by spaces
  cpu=$({ time FORESHARD_READER=$reader "$FORESHARD_FUZZER" -max_total_time="$seconds" -timeout="${FORESHARD_FUZZ_TIMEOUT:-10}" \
    -rss_limit_mb=512 -max_len=16384 -artifact_prefix="$findings/" -print_final_stats=1 "$corpus" $seeds >"$log" 2>&1 </dev/null; } 2>&1) || code=$?
  what="$(grep -a 'stat::number_of_executed_units' "$log" | grep -o '[0-9]*$') inputs in $seconds s, $cpu s of CPU"
  if ((code == 0)); then
    printf '%-13s %s\n' "$reader" "$what, no finding"
  else
    status=1
    printf '%-13s %s\n' "$reader" "$what, FINDING: $(grep -am1 -E 'ERROR|SUMMARY|runtime error|terminate' "$log"); see $log"
  fi
done <"$table"
exit $status
