#!/usr/bin/env bash
# Lays out the manual pages that were built: no warning, and what people look for. Skipped (77) without groff.
#
#   man_page_test.sh DIRECTORY_OF_THE_PAGES
set -euo pipefail
pages=$1
if ! command -v groff >/dev/null; then
  echo "skipped: there is no groff here"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

failed=0
for page in "$pages"/*.man; do
  groff -man -Kutf8 -Tutf8 -ww -P-cbou "$page" >"$scratch/text" 2>"$scratch/warnings"
  if [[ -s $scratch/warnings ]]; then
    cat "$scratch/warnings"
    failed=1
  fi
  tool=$(basename "$page" .man)
  for line in "^NAME$" "^ +$tool - " "^ +$tool [a-z]+ \[options\]" "^ +--set KEY=VALUE$" "^EXIT STATUS$" \
    "^ +1 +the answer is no" "FORESHARD_CONFIGS" "^ +\.\./share/foreshard/configs$"; do
    if ! grep -qE -e "$line" "$scratch/text"; then
      echo "$page has no line like $line"
      failed=1
    fi
  done
done
exit $failed
