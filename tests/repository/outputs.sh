#!/usr/bin/env bash
# What the documentation shows is what the tools do. In Markdown pages, a fenced block whose first line begins with "$ " is a
# session: the command is run, and the lines below it, up to the next command or the end of the block, must be what it prints.
#
#   $ foreshard plan job.yaml | grep 'One step'
#     One step takes 6.15 s …
#
# A command may go on in the next line after a backslash, and may be piped into anything that every system has. In what it prints,
# a line "…" at the end stands for all further lines; one at the beginning for all lines before the first one that begins as the
# next shown line does (its first 16 characters, digits aside); "…" alone for everything. In this way --update knows which part
# of a changed output to show.
#
# A block whose first line is a comment with nothing but a file's name, "# my-job.yaml", is a file of that name, there for the
# commands after it. Of a block ```sh, the lines that begin with foreshard, foreshard-run or mpirun are run, whatever they print.
#
# Every command must end with 0, or as its line says: "# exits 1", or "# exits 0 or 1" where a measurement decides. A line
#   <!-- not run: it takes a GPU -->
# before a session or a block of commands says why it is left alone. All run in a copy of the page's folder: they may write files.
#
#   outputs.sh ROOT FORESHARD             complains of blocks that differ and of commands that fail
#   outputs.sh ROOT FORESHARD --update    writes what the tool prints into the pages
#   outputs.sh ROOT FORESHARD-RUN --mpi   does the pages with commands under mpirun, which the others leave out
set -euo pipefail
root=$(cd "$1" && pwd)
tools=$(cd "$(dirname "$2")" && pwd)
mode=${3:-}
export FORESHARD_CONFIGS=$root/configs
PATH=$tools:$PATH
cd "$root"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
: >"$scratch/complaints"
: >"$scratch/outputs"
: >"$scratch/commands"

complain() { printf '%s: %s\n' "$page" "$1" >>"$scratch/complaints"; }

# The page's folder as it lies in the tree, made of links except for the folders themselves, so that nothing written stays.
copy_folder() {
  local at=$scratch/tree from=$root part
  rm -rf "$at"
  mkdir -p "$at"
  ln -s "$from"/* "$at"
  while IFS= read -r part; do
    if [[ $part == . ]]; then continue; fi
    at=$at/$part from=$from/$part
    rm "$at"
    mkdir "$at"
    ln -s "$from"/* "$at"
  done < <(dirname "$page" | tr / '\n')
  folder=$at
}

# Is this command for ranks, and so for --mpi?
of_ranks() { [[ $1 == mpirun\ * || $1 == foreshard-run\ * ]]; }
for_this_mode() { if of_ranks "$1"; then [[ $mode == --mpi ]]; else [[ $mode != --mpi ]]; fi; }

run_command() { # COMMAND, which may end in "# exits N" or "# exits N or M"; its output goes to $scratch/out
  local expected=0 code=0
  if [[ $1 =~ \#\ exits\ ([0-9]+( or [0-9]+)?)$ ]]; then expected=${BASH_REMATCH[1]}; fi
  (cd "$folder" && bash -c "$1") >"$scratch/out" 2>&1 </dev/null || code=$?
  if [[ " $expected " != *" $code "* ]]; then complain "ends with $code, not $expected: $1"$'\n'"$(tail -n 20 "$scratch/out")"; fi
}

# The part of $scratch/out that a page shows which now shows $scratch/shown; fails where that part cannot be found.
shown_part() {
  awk -v shown_file="$scratch/shown" '
    function beginning(line) { gsub(/[0-9][0-9.,]*/, "#", line); gsub(/ +/, " ", line); return substr(line, 1, 16) }
    BEGIN {
      while ((getline line < shown_file) > 0) shown[++n] = line
      from = shown[1] == "…"
      to = n > 1 && shown[n] == "…"
      lines = n - from - to
      found = !from
    }
    !found && lines > 0 && beginning($0) == beginning(shown[2]) { found = 1 }
    !found { before = 1; next }
    printed == 0 && before { print "…" }
    !to || printed < lines { print; ++printed; next }
    { after = 1 }
    END {
      if (!found && lines > 0) exit 1
      if (!found || after) print "…"
    }' "$scratch/out"
}

# A session as it should be: the lines of the array "block", run.
session() {
  local at=0 command line
  while ((at < ${#block[@]})); do
    command=${block[at]#\$ }
    printf '%s\n' "${block[at++]}"
    while [[ $command == *\\ && $at -lt ${#block[@]} ]]; do
      command=${command%\\}${block[at]}
      printf '%s\n' "${block[at++]}"
    done
    : >"$scratch/shown"
    while ((at < ${#block[@]})) && [[ ${block[at]} != '$ '* ]]; do printf '%s\n' "${block[at++]}" >>"$scratch/shown"; done
    if [[ ! $command =~ ^(foreshard|foreshard-run|mpirun|cat)\  ]]; then
      complain "cannot be run here, and nothing says why (<!-- not run: … -->): $command"
      cat "$scratch/shown"
    elif for_this_mode "$command"; then
      run_command "$command"
      echo x >>"$scratch/outputs"
      shown_part >"$scratch/part" || {
        complain "no line of the output begins as the one below … does, of: $command"
        cp "$scratch/shown" "$scratch/part"
      }
      cat "$scratch/part"
    else
      cat "$scratch/shown"
    fi
  done
}

# Runs the commands of the array "block", of which the page does not show the output.
run_block() {
  local command='' line
  for line in "${block[@]}"; do
    command+=$line
    if [[ $line == *\\ ]]; then
      command=${command%\\}
      continue
    fi
    if [[ $command =~ ^(foreshard|foreshard-run|mpirun)\  ]]; then
      of_ranks "$command" || shown_before=$command
      run_command "$command"
      echo x >>"$scratch/commands"
    fi
    command=''
  done
}

# A whole fenced block, on standard output as it should be. FENCE is its first line, its lines are in the array "block".
rewritten_block() { # FENCE NOT_RUN
  local first=${block[0]:-} before=$shown_before
  shown_before=''
  printf '%s\n' "$1"
  if [[ $first == '$ '* && -z $2 ]]; then
    session
    return
  fi
  if [[ $first =~ ^\#\ ([[:alnum:]_.-]+\.(yaml|json|txt|sh|toml))$ ]]; then
    if [[ -e $folder/${BASH_REMATCH[1]} ]]; then complain "there is a file ${BASH_REMATCH[1]} already"; fi
    printf '%s\n' "${block[@]}" >"$folder/${BASH_REMATCH[1]}"
  elif [[ $1 == '```sh' && -z $2 && -n $runs_blocks ]]; then
    run_block
  elif [[ $1 == '```' && -z $2 && -n $before ]]; then
    complain "nothing says of what this is the output, after: $before"
  fi
  if ((${#block[@]})); then printf '%s\n' "${block[@]}"; fi
}

# The page as it should be, on standard output.
rewritten() {
  local line fence='' not_run='' shown_before='' block=()
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ -n $fence && $line != '```' ]]; then
      block+=("$line")
      continue
    elif [[ -n $fence ]]; then
      rewritten_block "$fence" "$not_run"
      fence='' not_run=''
    elif [[ $line == '```'* ]]; then
      fence=$line block=()
      continue
    elif [[ $line =~ ^\<!--\ not\ run:\ .*\ --\>$ ]]; then
      not_run=yes
    elif [[ -n $line ]]; then
      not_run='' shown_before=''
    fi
    printf '%s\n' "$line"
  done <"$page"
}

differing=0
while IFS= read -r page; do
  grep -qE '^(\$ |```sh$)' "$page" || continue
  # Blocks of commands are one story: a page with ranks in it is told by --mpi from beginning to end.
  told=$(awk '/^<!-- not run: / {skip = 1} /^```/ {if (open) open = 0; else {open = ($0 == "```sh" && !skip) ? 2 : 1; skip = 0}; next}
              open == 2 && /^(mpirun|foreshard-run) / {print "--mpi"; exit}' "$page")
  runs_blocks=''
  if [[ $told == "$mode" || (-z $told && $mode == --update) ]]; then runs_blocks=yes; fi
  if [[ $mode == --mpi && -z $runs_blocks ]] && ! grep -qE '^\$ (mpirun|foreshard-run) ' "$page"; then continue; fi

  copy_folder
  rewritten >"$scratch/page"
  if ! diff -u --label "$page" --label "$page, as printed now" "$page" "$scratch/page" >"$scratch/diff"; then
    differing=1
    if [[ $mode == --update ]]; then cp "$scratch/page" "$page"; else cat "$scratch/diff"; fi
  fi
done < <(find . -name '*.md' -not -path './build/*' -not -path './.git/*' | sed 's|^\./||' | sort)

outputs=$(wc -l <"$scratch/outputs")
commands=$(wc -l <"$scratch/commands")
cat "$scratch/complaints"
if [[ $mode == --update ]]; then
  echo "$outputs outputs written"
elif ((differing)); then
  echo "shown outputs are not what the tool prints; scripts/update_outputs.sh writes them anew"
  exit 1
elif ((outputs + commands == 0)); then
  echo "no page shows an output or a command: are the blocks written as above?"
  exit 1
fi
if [[ -s $scratch/complaints ]]; then exit 1; fi
if [[ $mode != --update ]]; then echo "$outputs outputs are as shown, $commands commands end as said"; fi
