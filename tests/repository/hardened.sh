#!/usr/bin/env bash
# Programs and libraries of a release build are position-independent, have read-only relocations and stacks that are not
# executed, and notice an overwritten stack.
#
#   hardened.sh PROGRAM…
set -euo pipefail
command -v readelf >/dev/null || {
  echo 'skipped: there is no readelf' >&2
  exit 77
}
failed=0
for program in "$@"; do
  complain() {
    printf '%s: %s\n' "$program" "$1"
    failed=1
  }
  headers=$(readelf -hlW "$program")
  dynamic=$(readelf -dW "$program")
  symbols=$(readelf -sW --dyn-syms "$program")
  grep -qE '^ *Type: *DYN' <<<"$headers" || complain 'is not position-independent'
  grep -q 'GNU_RELRO' <<<"$headers" || complain 'its relocations stay writable'
  grep -qE 'BIND_NOW|FLAGS_1.*NOW' <<<"$dynamic" || complain 'it binds symbols while it runs (no -z now)'
  grep -qE 'GNU_STACK.* RW +0x' <<<"$headers" || complain 'its stack can be executed'
  grep -q '__stack_chk_fail' <<<"$symbols" || complain 'no function notices an overwritten stack'
done
exit $failed
