#!/usr/bin/env bash
# Prints the files that git tracks and that exist, NUL between them; ends with 77 (ctest: skipped) where there is no
# checkout to ask.
#
#   tracked_files.sh TREE [PATTERN…]
set -euo pipefail
tree=${1:?usage: tracked_files.sh TREE [PATTERN…]}
shift
# The checkout may belong to another user than the one who tests it.
if ! git -c safe.directory='*' -C "$tree" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  echo "skipped: $tree is not a git checkout" >&2
  exit 77
fi
git -c safe.directory='*' -C "$tree" ls-files -z --cached --others --exclude-standard -- "$@"
