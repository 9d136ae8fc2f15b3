#!/usr/bin/env bash
# What the documentation shows is what the tools do. In Markdown pages
#   <!-- output of: foreshard plan JOB -->
# announces that the next fenced block is that command's standard output; commands may be piped into head, tail, sed,
# grep and cut;
#   <!-- file: my-job.yaml -->
# announces that the next fenced block is a file of that name, there for the commands after it; and of every block
#   ```sh
# the lines that begin with foreshard, foreshard-run or mpirun are run. They must end with 0, or as a line says:
#   foreshard plan too-large.yaml   # exits 1
# or, where a measurement decides, "# exits 0 or 1". A line
#   <!-- not run: it takes a GPU -->
# before such a block says why it is left alone. All run in the folder of the page, in a copy: they may write files.
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

# The page's folder as it lies in the tree, of links but for the folders themselves, so that nothing written stays.
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

run_command() { # COMMAND, which may end in "# exits N" or "# exits N or M"
  local expected=0 code=0
  if [[ $1 =~ \#\ exits\ ([0-9]+( or [0-9]+)?)$ ]]; then expected=${BASH_REMATCH[1]}; fi
  (cd "$folder" && bash -c "$1") >"$scratch/out" 2>&1 </dev/null || code=$?
  echo x >>"$scratch/commands"
  if [[ " $expected " != *" $code "* ]]; then complain "ends with $code, not $expected: $1"$'\n'"$(tail -n 20 "$scratch/out")"; fi
}

# The page as it should be, on standard output.
rewritten() {
  local line next='' argument='' inside='' command='' shown_before=''
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line == '```'* && -n $inside ]]; then
      inside=''
    elif [[ $inside == output ]]; then
      continue
    elif [[ $inside == file ]]; then
      printf '%s\n' "$line" >>"$folder/$argument"
    elif [[ $inside == sh ]]; then
      command+=$line
      if [[ $line == *\\ ]]; then
        command=${command%\\}
      else
        if [[ $command =~ ^(foreshard|foreshard-run|mpirun)\  ]]; then
          of_ranks "$command" || shown_before=$command
          run_command "$command"
        fi
        command=''
      fi
    elif [[ $line == '```'* ]]; then
      inside=other
      if [[ $line == '```sh' && -z $next && -n $runs_blocks ]]; then
        inside='sh'
      elif [[ $next == file ]]; then
        inside='file'
        if [[ -e $folder/$argument ]]; then complain "there is a file $argument already"; fi
        : >"$folder/$argument"
      elif [[ $next == output ]] && for_this_mode "$argument"; then
        inside=output
        printf '%s\n' "$line"
        (cd "$folder" && bash -c "$argument" 2>&1 </dev/null) || true
        echo x >>"$scratch/outputs"
        next='' shown_before=''
        continue
      elif [[ $line == '```' && -z $next && -n $shown_before ]]; then
        complain "nothing says of what this is the output, after: $shown_before"
      fi
      next='' shown_before=''
      if [[ $inside == sh ]]; then command=''; fi
    elif [[ $line =~ ^\<!--\ (output\ of|file|not\ run):\ (.*)\ --\>$ ]]; then
      next=${BASH_REMATCH[1]%% *} argument=${BASH_REMATCH[2]}
    elif [[ -n $line ]]; then
      next='' shown_before=''
    fi
    printf '%s\n' "$line"
  done <"$page"
}

differing=0
while IFS= read -r page; do
  grep -qE '^(<!-- (output of|file): |```sh$)' "$page" || continue
  # Blocks of commands are one story: a page with ranks in it is told by --mpi from beginning to end.
  told=$(awk '/^<!-- not run: / {skip = 1} /^```/ {if (open) open = 0; else {open = ($0 == "```sh" && !skip) ? 2 : 1; skip = 0}; next}
              open == 2 && /^(mpirun|foreshard-run) / {print "--mpi"; exit}' "$page")
  runs_blocks=''
  if [[ $told == "$mode" || (-z $told && $mode == --update) ]]; then runs_blocks=yes; fi
  if [[ $mode == --mpi && -z $runs_blocks ]] && ! grep -qE '^<!-- output of: (mpirun|foreshard-run) ' "$page"; then continue; fi

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
  echo "no page shows an output or a command: are the markers spelt as above?"
  exit 1
fi
if [[ -s $scratch/complaints ]]; then exit 1; fi
if [[ $mode != --update ]]; then echo "$outputs outputs are as shown, $commands commands end as said"; fi
