#!/usr/bin/env bash
# Fails on marks of unfinished work, and on paths of the machine that something was written on.
#
#   words.sh TREE
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:?usage: words.sh TREE}"
list=$(mktemp)
trap 'rm -f "$list"' EXIT
"$here/tracked_files.sh" . >"$list"

# A bracket in each word keeps this file from finding itself.
unfinished='\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b'
places='(^|[^[:alnum:]_.$}/])/(tm[p]|wor[k]|hom[e]|roo[t]|User[s])(/|\b)'
if xargs -0 grep -InE "$unfinished|$places" <"$list"; then
  echo "these words do not belong in the tree"
  exit 1
fi
