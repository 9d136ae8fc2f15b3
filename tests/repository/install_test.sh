#!/usr/bin/env bash
# Installs the build into an empty prefix, builds examples/out_of_tree against it, and runs both: the installed tool
# must find the installed configs.
#
#   install_test.sh SOURCE_DIR BUILD_DIR [cmake options for the example]
set -euo pipefail
source_dir=$1
build_dir=$2
shift 2
prefix=$(mktemp -d)
finish() {
  local code=$?
  if ((code != 0)); then tail -n 60 "$prefix/log"; fi
  rm -rf "$prefix"
}
trap finish EXIT

cmake --install "$build_dir" --prefix "$prefix/installed" >"$prefix/log" 2>&1
# A package must also work where it has been moved to.
mv "$prefix/installed" "$prefix/moved"

cmake -S "$source_dir/examples/out_of_tree" -B "$prefix/example" -G Ninja \
  -DCMAKE_PREFIX_PATH="$prefix/moved" "$@" >>"$prefix/log" 2>&1
cmake --build "$prefix/example" >>"$prefix/log" 2>&1

unset FORESHARD_CONFIGS
cd "$prefix"
configs=$prefix/moved/share/foreshard/configs
cp "$configs/models/llama3-70b.yaml" "$configs/models/only-here.yaml"

# expect PATTERN COMMAND…: runs the command, whose output must match.
expect() {
  local pattern=$1
  shift
  "$@" >out 2>>log
  if ! grep -qE "$pattern" out; then
    echo "no '$pattern' in the output of: $*"
    cat out
    exit 1
  fi
}
expect only-here moved/bin/foreshard list models
expect '"step"' moved/bin/foreshard plan "$configs/jobs/llama3-70b-64h100.yaml" --format json
expect 'takes [0-9]+\.[0-9]+ s' env FORESHARD_CONFIGS="$configs" \
  example/step_time "$configs/jobs/llama3-70b-64h100.yaml"

# What the example's page shows is what it prints.
example_dir=$source_dir/examples
FORESHARD_CONFIGS=$configs example/step_time "$example_dir/01_plan/job.yaml" >out
if ! grep -qxFf out "$example_dir/out_of_tree/README.md"; then
  echo "examples/out_of_tree/README.md does not show what it prints; write there:"
  cat out
  exit 1
fi
