#!/usr/bin/env bash
# The pages in docs/reference are those that the tools' own declarations make.
#
#   reference.sh ROOT GENERATOR PAGE…             complains of every page that lags
#   reference.sh ROOT GENERATOR PAGE… --update    writes them
set -euo pipefail
root=$1
generator=$2
shift 2
pages=("$@")
update=
if [[ ${pages[-1]} == --update ]]; then
  update=yes
  unset 'pages[-1]'
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
lagging=0
for page in "${pages[@]}"; do
  file=docs/reference/$page.md
  "$generator" "$page" >"$scratch/$page"
  if [[ -n $update ]]; then
    mkdir -p "$root/docs/reference"
    cp "$scratch/$page" "$root/$file"
  elif ! diff -u --label "$file" --label "$file, as it should be" "$root/$file" "$scratch/$page"; then
    lagging=1
  fi
done
if ((lagging)); then echo "scripts/update_reference.sh writes the reference anew"; fi
exit $lagging
