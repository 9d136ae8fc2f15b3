#!/usr/bin/env bash
# Fails on an include that runs against the arrows between the folders (docs/architecture.md), on two folders that
# include each other, and on an include that brings a third party's name into a place that is not its own.
#
#   includes.sh TREE
set -euo pipefail
cd "${1:?usage: includes.sh TREE}"

folders=()
for folder in planner sim runtime cli tools tests examples; do
  if [[ -d $folder ]]; then folders+=("$folder"); fi
done
# Every include as path:line:#include …
includes=$(grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.[ch]pp' --include='*.cu' --include='*.cuh' \
  "${folders[@]}" | LC_ALL=C sort)

failed=0
# report LAW LINES: says which law the lines break, if there are any.
report() {
  if [[ -n $2 ]]; then
    printf '%s:\n%s\n' "$1" "$2"
    failed=1
  fi
}
# Both take extended regular expressions: of a path's beginning, and of what stands after the quote or bracket.
forbid() { # LAW PATH HEADER
  report "$1" "$(grep -E "^($2)[^:]*:[0-9]+:[^<\"]*[<\"]($3)" <<<"$includes" || true)"
}
keep_in() { # PATH HEADER LAW
  report "$3" "$(grep -E "^(planner|sim|runtime|cli|tools)/[^:]*:[0-9]+:[^<\"]*[<\"]($2)" <<<"$includes" | grep -vE "^($1)" || true)"
}

forbid 'planner uses no other folder' 'planner/' '(sim|runtime|cli|tools|tests)/'
forbid 'sim uses planner alone' 'sim/' '(runtime|cli|tools|tests)/'
forbid 'runtime uses planner alone' 'runtime/' '(sim|cli|tools|tests)/'
forbid 'tools use planner alone' 'tools/' '(sim|runtime|cli|tests)/'
forbid 'nobody but tests uses tools' '(cli|examples)/' 'tools/'
forbid 'nobody uses tests' '(cli|examples)/' 'tests/'

keep_in 'planner/(topology/[^:]*|program/dependencies/task_graph)\.cpp' 'boost/' 'Boost.Graph stays in planner/topology and planner/program/dependencies/task_graph.cpp'
keep_in 'planner/spec/' 'yaml-cpp/' 'yaml-cpp stays in planner/spec'
keep_in '([^:]*_json\.[ch]pp|planner/report/[^:]*\.cpp)' 'nlohmann/' 'nlohmann_json stays in *_json and planner/report'
keep_in 'cli/options/parse_command_line\.cpp:' 'CLI/' 'CLI11 stays in cli/options/parse_command_line.cpp'
keep_in 'cli/files/gzip_buffer\.cpp:' '(zlib|zconf)\.h' 'zlib stays in cli/files/gzip_buffer.cpp'
keep_in '[^:]*\.cpp:' 'fmt/' 'fmt stays out of headers'
keep_in 'runtime/comm/' '(mpi|nccl)\.h' 'MPI and NCCL stay in runtime/comm'
keep_in 'runtime/kernels/cpu/onednn_products\.cpp:' 'dnnl' 'oneDNN stays in runtime/kernels/cpu/onednn_products.cpp'
keep_in 'runtime/kernels/cpu/blas\.cpp:' '(cblas|openblas|f77blas)' 'OpenBLAS stays in runtime/kernels/cpu/blas.cpp'
keep_in '[^:]*cuda' '(cuda|cublas)' 'CUDA stays in files that say cuda'
report 'Catch2 is included through tests/support/catch.hpp' \
  "$(grep -E '[<"]catch2/' <<<"$includes" | grep -v '^tests/support/' || true)"

report 'a quoted include starts at the root: "planner/units/count.hpp"' \
  "$(grep -E '^[^:]*:[0-9]+:[^<"]*"' <<<"$includes" | grep -vE '"(planner|sim|runtime|cli|tools|tests)/' || true)"

# Folders inside the top ones: if one includes another, that one must not include it. One line for each include that
# takes part, FOLDER -> FOLDER: path.
report 'two folders include each other' "$(awk -F'["]' '
  function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
  /^(planner|sim|runtime|cli|tools)\// && NF > 2 {
    split($1, place, ":")
    from = folder(place[1]); to = folder($2)
    if (from == to || $2 !~ /^(planner|sim|runtime|cli|tools)\//) next
    if (!((from, to) in arrows)) arrows[from, to] = place[1] ":" place[2]
  }
  END {
    for (arrow in arrows) {
      split(arrow, end, SUBSEP)
      if ((end[2], end[1]) in arrows) print end[1] " -> " end[2] ": " arrows[arrow]
    }
  }' <<<"$includes" | LC_ALL=C sort)"

exit $failed
