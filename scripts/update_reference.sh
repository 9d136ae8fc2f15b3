#!/usr/bin/env bash
# Writes docs/reference from the declarations of the command line and the tables of keys. Needs MPI and OpenBLAS, for
# foreshard-run's commands.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

step "configuring" cmake --preset ci -DFORESHARD_RUNTIME=ON
step "building" cmake --build --preset ci --target foreshard-reference
exec tests/repository/reference.sh "${root:?}" "${root:?}/build/ci/bin/foreshard-reference" commands keys --update
