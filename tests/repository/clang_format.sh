#!/usr/bin/env bash
# Fails on a source file that clang-format would change. Skipped (77) without clang-format 14: other versions lay
# some lines out differently.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."

for clang_format in clang-format-14 clang-format ''; do
  if [[ -n $clang_format ]] && "$clang_format" --version 2>/dev/null | grep -q 'version 14\.'; then break; fi
done
if [[ -z $clang_format ]]; then
  echo "skipped: there is no clang-format 14 here"
  exit 77
fi

list=$(mktemp)
trap 'rm -f "$list"' EXIT
"$here/tracked_files.sh" . '*.cpp' '*.hpp' '*.cu' '*.cuh' >"$list"
xargs -0 -r "$clang_format" --dry-run -Werror <"$list"
