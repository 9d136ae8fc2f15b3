#!/usr/bin/env bash
# Writes what the tool prints now into the pages that show it (README, docs, examples), and draws the pictures anew.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

step "configuring" cmake --preset tools
step "building" cmake --build --preset tools
tests/repository/outputs.sh "${root:?}" "${root:?}/build/tools/bin/foreshard" --update
tests/repository/picture.sh "${root:?}" "${root:?}/build/tools/bin/foreshard" --update || (($? == 77))
