# shellcheck shell=bash
# Sourced by the scripts beside it: strict mode, the repository's root, and steps that say how long they took.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '%s\n' "$*" >&2; }

# step WHAT COMMAND…: says WHAT, runs the command, and says how long it took. The command's output goes to a log, whose
# end is shown if the command fails; on a terminal, ninja's progress is shown while it builds.
step() {
  local what=$1 log begin=$SECONDS status=0
  shift
  mkdir -p build/logs
  log=build/logs/${what//[^[:alnum:]]/-}.log
  say "$what …"
  if [[ -t 2 && "$1 $2" == 'cmake --build' ]]; then
    "$@" >&2 </dev/null || status=$?
  else
    "$@" >"$log" 2>&1 </dev/null || status=$?
  fi
  if ((status)); then
    if [[ -f $log ]]; then tail -n 60 "$log" >&2; fi
    say "failed: $what. The whole output is in $root/$log"
    exit 3
  fi
  say "$what: $(((SECONDS - begin) / 60)) min $(((SECONDS - begin) % 60)) s"
}

# link_tool PRESET TOOL: makes ./TOOL in the repository's root the one that was built last.
link_tool() { ln -sfn "build/$1/bin/$2" "$root/$2"; }
