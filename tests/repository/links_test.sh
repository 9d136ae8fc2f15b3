#!/usr/bin/env bash
# links.sh must find links to files and headings that are not there, and must let the others pass.
set -euo pipefail
links=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/links.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
if ! git -C "$tree" init -q 2>/dev/null; then
  echo "skipped: no git"
  exit 77
fi
mkdir "$tree/docs"
touch "$tree/docs/picture.svg"
cat >"$tree/docs/other.md" <<'END'
# The `8/3` rule, and *more*
```
# not a heading
```
END
cat >"$tree/docs/page.md" <<'END'
## Here it is
[file](other.md) [heading](other.md#the-83-rule-and-more) [here](#here-it-is) [away](https://example.org/a#b)
![picture](picture.svg) <img src="picture.svg" alt="the same">
END
failed=0
if ! "$links" "$tree"; then
  echo "links.sh complains about links that lead somewhere"
  failed=1
fi
breaks() { # LINE WORDS
  printf '%s\n' "$1" >"$tree/docs/broken.md"
  if "$links" "$tree" >"$tree/said" || ! grep -qF "docs/broken.md: $2" "$tree/said"; then
    echo "not found: $1"
    failed=1
  fi
}
breaks '[gone](gone.md)' 'no such file: gone.md'
breaks '<img src="gone.svg">' 'no such file: gone.svg'
breaks '[gone](other.md#not-a-heading)' 'no such heading: other.md#not-a-heading'
breaks '[gone](#here-it-is)' 'no such heading: #here-it-is'
exit $failed
