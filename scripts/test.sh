#!/usr/bin/env bash
# Installs what is missing, builds everything with warnings as errors, and runs all tests.
#
#   scripts/test.sh [options of ctest, such as -R units]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts/install_dependencies.sh build test
quietly "configuring" cmake --preset ci
quietly "building" cmake --build --preset ci

exec ctest --preset ci --parallel "$(nproc)" "$@"
