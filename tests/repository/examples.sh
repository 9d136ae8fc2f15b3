#!/usr/bin/env bash
# The examples are numbered without gaps; each has a page with outputs that are compared or commands that are run
# (outputs.sh), and stands in their list.
#
#   examples.sh ROOT
set -euo pipefail
cd "${1:?usage: examples.sh ROOT}/examples"

failed=0
complain() {
  echo "$1"
  failed=1
}
number=0
for example in [0-9]*/; do
  example=${example%/}
  number=$((number + 1))
  [[ $example == "$(printf '%02d' "$number")"_* ]] || complain "$example: number $number is missing"
  page=$example/README.md
  if [[ ! -f $page ]]; then
    complain "$example: no README.md"
    continue
  fi
  grep -qE '^(\$ |```sh$)' "$page" || complain "$page: nothing in it is run"
  grep -qF "($page)" README.md || complain "README.md: does not name $example"
done
((number >= 6)) || complain "only $number examples"
exit $failed
