#!/usr/bin/env bash
# Fails where production code decides something by what a tensor is called. A tensor's label is for people: it may be
# written and printed in the files below, and nothing may be compared with it, looked for in it or ordered by it.
#
#   labels.sh TREE
set -euo pipefail
cd "${1:?usage: labels.sh TREE}"

rooms=()
for room in planner sim runtime cli tools; do
  if [[ -d $room ]]; then rooms+=("$room"); fi
done
# Every use of a label as path:line:text. A simulated task's label is a number, and a command line's formatter has
# labels of its own.
uses=$(grep -rnE '(\.|->)label\b' --include='*.[ch]pp' --include='*.cu' --include='*.cuh' "${rooms[@]}" |
  grep -vE '^sim/[^:]*:[0-9]+:.*TaskLabel|^sim/step/stage_script\.cpp:|^cli/options/command_line\.cpp:|^planner/report/' |
  LC_ALL=C sort || true)

# Who gives labels, writes them as JSON, or says them: in messages, and in the names of operations.
writers='planner/program/(tensor_label|program_builder|build/(emit_cpu_update|emit_update|emit_muon|optimizer_states)|json/[a-z_]*|check/check_[a-z_]*|backward/gradient_book|passes/(accumulation|fp8_inputs|quantise|sequence_parallel|split_backward|zero))\.cpp|runtime/execute/code_limits\.cpp|runtime/verify/sharding_check\.cpp'

failed=0
report() { # LAW LINES
  if [[ -n $2 ]]; then
    printf '%s:\n%s\n' "$1" "$2"
    failed=1
  fi
}
report 'a label is read where nothing is written for people' "$(grep -vE "^($writers):" <<<"$uses" || true)"
# The name of an operation leaves out a part of its gradient's label: no decision.
decisions=$(grep -vE '^planner/program/tensor_label\.cpp:' <<<"$uses" || true)
report 'something is decided by a label' "$(grep -E \
  '(\.|->)label *(==|!=|<|>)|(==|!=|<) *[A-Za-z_.()>-]*(\.|->)label\b|(\.|->)label\.(starts_with|ends_with|find|rfind|contains|compare|substr)|(stream_of|hash[a-z_<>:]*)\([A-Za-z_.()>-]*(\.|->)label' \
  <<<"$decisions" || true)"
exit $failed
