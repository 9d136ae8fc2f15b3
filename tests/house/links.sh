#!/usr/bin/env bash
# Fails on a link in a tracked Markdown file that leads to no file of the tree.
#
#   links.sh TREE
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:?usage: links.sh TREE}"
list=$(mktemp)
trap 'rm -f "$list"' EXIT
"$here/tracked_files.sh" . '*.md' >"$list"

failed=0
while IFS= read -r -d '' page; do
  while IFS= read -r target; do
    if [[ $target != *:* && ! -e $(dirname "$page")/$target ]]; then
      echo "$page: no such file: $target"
      failed=1
    fi
  done < <(grep -oE '\]\([^)#]+' "$page" | cut -c 3-)
done <"$list"
exit $failed
