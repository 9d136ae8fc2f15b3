#!/usr/bin/env bash
# Installs what is missing, builds everything with warnings as errors, and runs all tests. Each phase says how long it
# took; ctest's own summary comes last.
#
#   scripts/test.sh [options of ctest, such as -R units]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts/install_dependencies.sh plan runtime test
# What runs on several hosts or under Slurm needs root, and skips without these packages: none is an error.
if ((EUID == 0)); then scripts/install_dependencies.sh hosts || say "tests of several hosts and of Slurm will skip"; fi
step "configuring" cmake --preset ci
step "building" cmake --build --preset ci

exec ctest --preset ci --parallel "$(nproc)" "$@"
