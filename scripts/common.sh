# shellcheck shell=bash
# Sourced by the scripts beside it: strict mode, the repository's root, and commands that are silent unless they fail.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '%s\n' "$*" >&2; }

# quietly WHAT COMMAND…: says WHAT, runs the command with its output in a log, and shows the log's end if it fails.
quietly() {
  local what=$1 log
  shift
  mkdir -p build/logs
  log=build/logs/${what//[^[:alnum:]]/-}.log
  say "$what …"
  if ! "$@" >"$log" 2>&1 </dev/null; then
    tail -n 60 "$log" >&2
    say "failed: $what. The whole output is in $root/$log"
    exit 3
  fi
}
