#!/usr/bin/env bash
# Installs what is missing and runs clang-format and clang-tidy over the whole tree. Slower than the tests.
#
#   scripts/lint.sh [regular expression of paths; all sources if unsaid]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts/install_dependencies.sh plan runtime test lint
tests/repository/clang_format.sh
step "configuring" cmake --preset ci

exec run-clang-tidy -p build/ci -quiet -j "$(nproc)" "${1:-$root/(planner|sim|runtime|cli)/.*\.cpp$}"
