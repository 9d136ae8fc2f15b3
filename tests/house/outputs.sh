#!/usr/bin/env bash
# The outputs that the documentation shows are those that the tool prints. In Markdown, the line
#   <!-- output of: foreshard plan JOB -->
# announces that the next fenced block is that command's standard output, run in the folder of the page. Commands
# may be piped into head, tail, sed, grep and cut.
#
#   outputs.sh ROOT FORESHARD            complains of every block that differs
#   outputs.sh ROOT FORESHARD --update   writes what the tool prints into the pages
set -euo pipefail
root=$1
foreshard=$2
update=${3:-}
export FORESHARD_CONFIGS=$root/configs
PATH=$(dirname "$foreshard"):$PATH
cd "$root"

differing=0
blocks=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The page as it should be, on standard output.
rewritten() {
  local page=$1 line command='' in_block=''
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ -n $in_block ]]; then
      [[ $line == '```'* ]] || continue
      in_block=''
    elif [[ -n $command && $line == '```'* ]]; then
      printf '%s\n' "$line"
      (cd "$(dirname "$page")" && bash -c "$command" 2>&1) || true
      command='' in_block=yes
      echo x >>"$scratch/count"
      continue
    elif [[ $line =~ ^\<!--\ output\ of:\ (foreshard\ .*)\ --\>$ ]]; then
      command=${BASH_REMATCH[1]}
    fi
    printf '%s\n' "$line"
  done <"$page"
}

while IFS= read -r page; do
  grep -q '^<!-- output of: ' "$page" || continue
  rewritten "$page" >"$scratch/page"
  if ! diff -u --label "$page" --label "$page, as printed now" "$page" "$scratch/page" >"$scratch/diff"; then
    differing=1
    if [[ -n $update ]]; then cp "$scratch/page" "$page"; else cat "$scratch/diff"; fi
  fi
done < <(find . -name '*.md' -not -path './build/*' -not -path './.git/*' | sort)

[[ -f $scratch/count ]] && blocks=$(wc -l <"$scratch/count")
if [[ -n $update ]]; then
  echo "$blocks outputs written"
elif ((differing)); then
  echo "shown outputs are not what the tool prints; scripts/update_outputs.sh writes them anew"
  exit 1
elif ((blocks == 0)); then
  echo "no page shows an output: is the marker spelt as above?"
  exit 1
else
  echo "$blocks outputs are as shown"
fi
