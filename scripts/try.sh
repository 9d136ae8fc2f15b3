#!/usr/bin/env bash
# Installs what is missing, builds the tools, and plans a job: the bundled Llama 3 70B on 64 H100, or what is named.
#
#   scripts/try.sh [JOB.yaml] [options of foreshard plan]
here=$PWD
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts/install_dependencies.sh build
quietly "configuring" cmake --preset tools
quietly "building" cmake --build --preset tools

if (($# == 0)); then set -- "${root:?}/configs/jobs/llama3-70b-64h100.yaml"; fi
cd "$here" || exit 3
exec "${root:?}/build/tools/bin/foreshard" plan "$@"
