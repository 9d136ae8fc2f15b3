#!/usr/bin/env bash
# A new kind of operation must fail to compile wherever somebody has to say what it costs, how it is differentiated,
# checked, written and run. This test adds one to a copy of op.hpp, and one kind of Pointwise, and looks which sources
# the compiler complains about.
#
#   new_operation.sh TREE COMPILER
set -euo pipefail
tree=$(cd "${1:?usage: new_operation.sh TREE COMPILER}" && pwd)
compiler=${2:?usage: new_operation.sh TREE COMPILER}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Who must know every kind of operation …
kinds=(
  planner/program/ops/op.cpp                    # its name; whether it communicates, whether it is a product
  planner/program/json/op_json.cpp
  planner/program/backward/derive_backward.cpp
  planner/program/passes/recompute.cpp
  planner/program/passes/sequence_parallel.cpp
  planner/program/check/check_operations.cpp    # its operands
  planner/program/check/check_sizes.cpp
  planner/program/check/check_data_flow.cpp     # what it leaves for its backward form
  planner/program/ops/op_flops.cpp              # and with them the executed counts of runtime/verify
  planner/cost/ops/op_traffic.cpp
  planner/cost/ops/product_time.cpp             # its time
  planner/cost/ops/kernel_forms.cpp
  planner/cost/memory/memory_pass.cpp           # at which bandwidth it passes over memory
  runtime/execute/bind_kernels.cpp
)
# … and every kind of Pointwise.
pointwise=(
  planner/program/backward/derive_backward.cpp
  planner/program/check/check_operations.cpp
  planner/program/check/check_sizes.cpp
  planner/cost/memory/memory_pass.cpp
  runtime/execute/bind_kernels.cpp
  runtime/kernels/reference/pointwise.cpp
)

# complaints PROBE SOURCE...: what the compiler says of these sources in one translation unit.
complaints() {
  local probe=$1
  shift
  printf '#include "%s"\n' "$@" >"$work/all.cpp"
  "$compiler" -std=c++20 -fsyntax-only -fmax-errors=0 -Wswitch -Werror=switch -I"$probe" -I"$tree" "$work/all.cpp" 2>&1
}

failed=0
# must_fail PROBE SOURCE...: each of them is named in an error.
must_fail() {
  local probe=$1
  shift
  complaints "$probe" "$@" >"$work/said" || true
  for source in "$@"; do
    if ! grep -qE "(^|[ /])$source:[0-9]+:[0-9]+: .*(error|required from)" "$work/said"; then
      echo "$source compiles although it does not know the new kind"
      failed=1
    fi
  done
}

if ! complaints "$tree" "${kinds[@]}" >"$work/said"; then
  echo "these sources do not compile as they are:"
  grep -E 'error' "$work/said" | head
  exit 1
fi

header=planner/program/ops/op.hpp
mkdir -p "$work/kind/$(dirname $header)" "$work/pointwise/$(dirname $header)"
sed 's/^using OpKind = std::variant</struct Probe {};\n&Probe, /' "$tree/$header" >"$work/kind/$header"
sed 's/^enum class PointwiseKind : std::uint8_t {/&\n  probe,/' "$tree/$header" >"$work/pointwise/$header"
for probe in kind pointwise; do
  if cmp -s "$tree/$header" "$work/$probe/$header"; then
    echo "the new $probe did not get into $header"
    exit 1
  fi
done
must_fail "$work/kind" "${kinds[@]}"
must_fail "$work/pointwise" "${pointwise[@]}"
exit $failed
