#!/usr/bin/env bash
# Asks two builds of foreshard the same questions: does every answer have the same bytes?
#
#   scripts/same_bytes.sh FORESHARD OTHER [JOB…]
#
# For example one of g++ and one of clang, both of one commit, which the answers name:
#
#   cmake --preset tools && cmake --build --preset tools
#   cmake --preset tools -B build/clang -DCMAKE_CXX_COMPILER=clang++-14 && cmake --build build/clang --target foreshard
#   scripts/same_bytes.sh build/tools/bin/foreshard build/clang/bin/foreshard
#
# Each bundled job, or each JOB, is planned, simulated, explained and searched over micro-batches; the measured runs are scored.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

(($# >= 2)) || {
  say "usage: scripts/same_bytes.sh FORESHARD OTHER [JOB…]"
  exit 2
}
one=$1
other=$2
shift 2
jobs=("$@")
(($#)) || jobs=(configs/jobs/*.yaml)
export FORESHARD_CONFIGS=$root/configs
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
asked=0
differing=0

# ask ARGUMENTS…: both programs, whose output, complaints and exit codes must be the same.
ask() {
  local code other_code
  code=0 && "$one" "$@" >"$scratch/a" 2>&1 || code=$?
  other_code=0 && "$other" "$@" >"$scratch/b" 2>&1 || other_code=$?
  asked=$((asked + 1))
  if ((code != other_code)) || ! cmp -s "$scratch/a" "$scratch/b"; then
    differing=$((differing + 1))
    say "differs: foreshard $* (exit codes $code and $other_code)"
    diff "$scratch/a" "$scratch/b" | head -n 6 >&2 || true
  fi
}
for job in "${jobs[@]}"; do
  for command in plan simulate explain 'search --free micro_batch'; do
    # shellcheck disable=SC2086  # the command and its options
    ask $command "$job" --format json
  done
done
(($#)) || ask score --format json
say "$asked answers, $differing of them differ"
((differing == 0))
