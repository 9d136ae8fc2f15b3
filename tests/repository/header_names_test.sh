#!/usr/bin/env bash
# header_names.py must find each kind of name that a header does not include, and must let the good ones pass.
set -euo pipefail
names=$(dirname "${BASH_SOURCE[0]}")/header_names.py
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# header FILE LINE…: a header of the tree with these lines.
header() {
  mkdir -p "$tree/$(dirname "$1")"
  printf '%s\n' "${@:2}" >"$tree/$1"
}

header planner/units/bytes.hpp 'struct Bytes { long count; };' 'constexpr long kPage = 4096;' 'long whole_pages(Bytes of);'
header planner/cost/price.hpp '#include "planner/units/bytes.hpp"' 'Bytes priced(Bytes of);  // Speed is not used'
header planner/cost/total.hpp '#include "planner/cost/price.hpp"' 'struct Total {' '  Bytes all;' '  long whole_pages(int of);' \
  '  long twice() { return whole_pages(2) + part.Speed; }' '};'
header planner/cost/speed.hpp 'struct Speed {' '  int of;' '};'
header planner/cost/announced.hpp 'struct Speed;' 'void show(const Speed& of, const char* text = "Bytes");'
if ! python3 "$names" "$tree"; then
  echo "header_names.py complains about a tree that obeys"
  exit 1
fi

failed=0
# breaks LINE NAME HOME: a header with this line alone must be found.
breaks() {
  header sim/wrong.hpp '#pragma once' "$1"
  if python3 "$names" "$tree" >"$tree/said" || ! grep -qxF "sim/wrong.hpp:2: uses $2 without $3" "$tree/said"; then
    echo "not found: $1"
    cat "$tree/said"
    failed=1
  fi
}
breaks 'Bytes size();' Bytes planner/units/bytes.hpp
breaks 'const foreshard::Bytes& size();' Bytes planner/units/bytes.hpp
breaks 'inline long page() { return kPage; }' kPage planner/units/bytes.hpp
breaks 'inline long pages() { return whole_pages({1}); }' whole_pages planner/units/bytes.hpp
breaks 'std::vector<Speed> all();' Speed planner/cost/speed.hpp
exit "$failed"
