#!/usr/bin/env bash
# Fails on a link or picture in a tracked Markdown file that leads to no file of the tree, or to no heading of its page.
#
#   links.sh TREE
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:?usage: links.sh TREE}"
list=$(mktemp)
trap 'rm -f "$list"' EXIT
"$here/tracked_files.sh" . '*.md' >"$list"

# The names by which a page's headings are linked to: small letters, hyphens for spaces, no other punctuation.
anchors() {
  awk '/^```/ {code = !code} !code && /^#+ / {sub(/^#+ /, ""); print}' "$1" |
    LC_ALL=C.UTF-8 sed -E 's/.*/\L&/; s/\[([^]]*)\]\([^)]*\)/\1/g; s/[^[:alnum:]_ -]//g; s/ /-/g'
}

failed=0
complain() {
  echo "$1"
  failed=1
}
while IFS= read -r -d '' page; do
  while IFS= read -r target; do
    if [[ $target == *:* ]]; then continue; fi
    file=$page
    if [[ -n ${target%%#*} ]]; then file=$(dirname "$page")/${target%%#*}; fi
    if [[ ! -e $file ]]; then
      complain "$page: no such file: $target"
    elif [[ $target == *#* && $file == *.md ]] && ! anchors "$file" | grep -qxF -- "${target#*#}"; then
      complain "$page: no such heading: $target"
    fi
  done < <(grep -oE '\]\([^)]+|(src|srcset|href)="[^"]+' "$page" | sed -E 's/^(\]\(|[a-z]+=")//')
done <"$list"
exit $failed
