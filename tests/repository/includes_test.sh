#!/usr/bin/env bash
# includes.sh must find every kind of broken include, and must let the good ones pass.
set -euo pipefail
includes=$(dirname "${BASH_SOURCE[0]}")/includes.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# include FILE HEADER: adds a line to a file of the tree.
include() {
  mkdir -p "$tree/$(dirname "$1")"
  printf '#include %s\n' "$2" >>"$tree/$1"
}

# Each of these obeys.
include planner/spec/load/load.cpp '"planner/spec/load/load.hpp"'
include planner/spec/load/load.cpp '<yaml-cpp/yaml.h>'
include planner/spec/load/load.cpp '<fmt/format.h>'
include planner/topology/route.cpp '<boost/graph/adjacency_list.hpp>'
include planner/program/dependencies/task_graph.cpp '<boost/graph/topological_sort.hpp>'
include planner/program/json/program_json.cpp '<nlohmann/json.hpp>'
include planner/program/json/object_json.hpp '<nlohmann/json.hpp>'
include sim/engine/engine.cpp '"planner/program/step_program.hpp"'
include runtime/comm/mpi_communicator.cpp '<mpi.h>'
include runtime/device/cuda_device.cpp '<cuda_runtime.h>'
include runtime/kernels/cpu/blas.cpp '<cblas.h>'
include runtime/kernels/cpu/onednn_products.cpp '<dnnl.hpp>'
include cli/options/parse_command_line.cpp '<CLI/CLI.hpp>'
include cli/main.cpp '"sim/engine/engine.hpp"'
include tests/support/catch.hpp '<catch2/catch.hpp>'
if ! "$includes" "$tree"; then
  echo "includes.sh complains about a tree that obeys"
  exit 1
fi

failed=0
# breaks FILE HEADER: this one include, added to the good tree, must be found.
breaks() {
  include "$1" "$2"
  if "$includes" "$tree" >"$tree/said" || ! grep -qF "$1:1:#include $2" "$tree/said"; then
    echo "not found: $1 includes $2"
    failed=1
  fi
  rm "$tree/$1"
}
breaks planner/cost/step/estimate.cpp '"sim/engine/engine.hpp"'
breaks planner/cost/step/estimate.hpp '"runtime/comm/check.hpp"'
breaks planner/cost/price.cpp '"cli/commands/plan.hpp"'
breaks sim/step/lane.cpp '"runtime/comm/check.hpp"'
breaks sim/step/task.cpp '"cli/commands/plan.hpp"'
breaks runtime/execute/executor.cpp '"sim/engine/engine.hpp"'
breaks runtime/execute/lanes.cpp '"cli/commands/plan.hpp"'
breaks cli/commands/plan.cpp '"tests/support/catch.hpp"'
breaks planner/program/order.cpp '<boost/graph/adjacency_list.hpp>'
breaks planner/topology/route.hpp '<boost/graph/adjacency_list.hpp>'
breaks planner/cost/read.cpp '<yaml-cpp/yaml.h>'
breaks planner/cost/write.cpp '<nlohmann/json.hpp>'
breaks planner/report/json.hpp '<nlohmann/json.hpp>'
breaks planner/report/options.cpp '<CLI/CLI.hpp>'
breaks cli/commands/list.cpp '<CLI/CLI.hpp>'
breaks planner/units/quantity.hpp '<fmt/format.h>'
breaks runtime/execute/send.cpp '<mpi.h>'
breaks cli/run.cpp '<nccl.h>'
breaks runtime/device/arena.cpp '<cuda_runtime.h>'
breaks runtime/kernels/cpu/gemm.cpp '<cblas.h>'
breaks runtime/kernels/cpu/gemm.cpp '<dnnl.h>'
breaks tests/planner/count_test.cpp '<catch2/catch.hpp>'
breaks planner/units/count.cpp '"count.hpp"'
exit $failed
