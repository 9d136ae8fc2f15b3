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
trap 'rm -rf "$prefix"' EXIT

cmake --install "$build_dir" --prefix "$prefix/installed" >"$prefix/log"
# A package must also work where it has been moved to.
mv "$prefix/installed" "$prefix/moved"

cmake -S "$source_dir/examples/out_of_tree" -B "$prefix/example" -G Ninja \
  -DCMAKE_PREFIX_PATH="$prefix/moved" "$@" >>"$prefix/log"
cmake --build "$prefix/example" >>"$prefix/log"

unset FORESHARD_CONFIGS
cd "$prefix"
# Only the installed configs have this job.
jobs=moved/share/foreshard/configs/jobs
mv "$jobs/llama3-70b-64h100.yaml" "$jobs/only-here.yaml"
./moved/bin/foreshard list jobs | grep -q only-here
./moved/bin/foreshard plan "$jobs/only-here.yaml" --format json | grep -q '"step"'
FORESHARD_CONFIGS=moved/share/foreshard/configs ./example/step_time "$jobs/only-here.yaml" | tee example.out
grep -qE 'takes [0-9.]+ s' example.out
