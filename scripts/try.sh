#!/usr/bin/env bash
# Installs what is missing, builds foreshard, and plans a job: the bundled Llama 3 70B on 64 H100, or what is named.
# Afterwards ./foreshard is there for commands of your own.
#
#   scripts/try.sh [JOB.yaml] [options of foreshard plan]
#   scripts/try.sh --runtime        builds foreshard-run too, which executes steps under mpirun, and plans nothing
here=$PWD
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if [[ ${1:-} == --runtime ]]; then
  if (($# > 1)); then
    say "try.sh: --runtime takes nothing after it"
    exit 2
  fi
  scripts/install_dependencies.sh plan runtime
  step "configuring" cmake --preset runtime
  step "building foreshard and foreshard-run" cmake --build --preset runtime
  link_tool runtime foreshard
  link_tool runtime foreshard-run
  say "built: mpirun -n 2 ./foreshard-run validate tiny-llama-laptop"
  exit 0
fi

scripts/install_dependencies.sh plan
step "configuring" cmake --preset tools
step "building foreshard" cmake --build --preset tools
link_tool tools foreshard

if (($# == 0)); then set -- "${root:?}/configs/jobs/llama3-70b-64h100.yaml"; fi
cd "$here" || exit 3
exec "${root:?}/foreshard" plan "$@"
