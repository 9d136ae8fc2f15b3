#!/usr/bin/env bash
# labels.sh must find code that decides by a tensor's label, and must let those pass that print one.
set -euo pipefail
labels=$(dirname "${BASH_SOURCE[0]}")/labels.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

line() { # FILE TEXT
  mkdir -p "$tree/$(dirname "$1")"
  printf '%s\n' "$2" >>"$tree/$1"
}

# Each of these obeys.
line planner/program/check/check_sizes.cpp 'complain(tensor.label);'
line planner/program/program_builder.cpp 'tensor.label = label_of(meaning);'
line sim/step/step_simulation.cpp 'TaskLabel::unpacked(task.label);'
line runtime/shard/initial_weights.cpp 'stream_of(label_of(weight.meaning));'
if ! "$labels" "$tree"; then
  echo "labels.sh complains about a tree that obeys"
  exit 1
fi

failed=0
breaks() { # FILE TEXT
  line "$1" "$2"
  if "$labels" "$tree" >"$tree/said" || ! grep -qF "$2" "$tree/said"; then
    echo "not found: $1: $2"
    failed=1
  fi
  sed -i '$d' "$tree/$1"
}
breaks planner/cost/step/estimate.cpp 'if (tensor.label == "embedding.weight") return;'
breaks planner/cost/step/model_figures.cpp 'const auto& name = weight.label;'
breaks planner/program/passes/sequence_parallel.cpp 'if (weight.label.starts_with("layer.qk_norm.")) return;'
breaks planner/program/passes/sequence_parallel.cpp 'if ("hidden" == builder_.tensor(whole).label) return;'
breaks planner/program/check/check_sizes.cpp 'return tensor(i)->label != "ids";'
breaks runtime/verify/sharding_check.cpp 'stream_of(tensor.label);'
exit $failed
