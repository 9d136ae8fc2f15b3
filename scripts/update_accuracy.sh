#!/usr/bin/env bash
# Commits to the accuracy of now: the figures that tests/repository/accuracy.sh holds later changes to, and the outputs in
# docs/accuracy.md.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

step "configuring" cmake --preset tools
step "building" cmake --build --preset tools
FORESHARD_CONFIGS=${root:?}/configs tests/repository/accuracy.sh "$root/build/tools/bin/foreshard" \
  tests/accuracy_baseline.yaml --update
exec tests/repository/outputs.sh "$root" "$root/build/tools/bin/foreshard" --update
