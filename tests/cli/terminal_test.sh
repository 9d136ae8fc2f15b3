#!/usr/bin/env bash
# What the tools do on a terminal and nowhere else: colour, and a line that says how far they are. The terminal is that of
# script(1). Skipped (77) without it.
#
#   terminal_test.sh FORESHARD [FORESHARD_RUN JOB MPIRUN…]
set -euo pipefail
foreshard=$1
runner=${2:-}
job=${3:-}
mpirun=("${@:4}")
if ! command -v script >/dev/null; then
  echo "skipped: there is no script here"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
export TERM=xterm
unset NO_COLOR
escape=$'\033['

# on_terminal COMMAND: the line of shell, as a terminal shows it; its exit code is in code.
on_terminal() { code=0 && shown=$(script -qec "$1" /dev/null </dev/null) || code=$?; }
failed=0
complain() {
  printf '%s: %s; shown:\n%s\n' "$what" "$1" "$(head -c 2000 <<<"$shown" | cat -v)"
  failed=1
}
has() { [[ $shown == *"$1"* ]] || complain "there is no '$(cat -v <<<"$1")'"; }
lacks() { [[ $shown != *"$1"* ]] || complain "there is '$(cat -v <<<"$1")'"; }

plan="$foreshard plan llama3-70b-64h100"
plain=$($plan)
what='on a terminal'
on_terminal "$plan"
has "${escape}32mIt fits${escape}0m: "
without=$(sed -E $'s/\r//g; s/\033\\[[0-9;]*m//g' <<<"$shown")
[[ $without == "$plain" ]] || complain "without colours it is another text"
widest() { sed -E $'s/\r//g; s/\033\\[[0-9;]*m//g' <<<"$shown" | LC_ALL=C.UTF-8 wc -L; }
for columns in 60 72; do
  what="on a terminal of $columns columns"
  on_terminal "COLUMNS=$columns $plan"
  shown=$(head -n 9 <<<"$shown") # the figures below have columns of their own
  (($(widest) <= columns)) || complain "a line of text has $(widest) columns"
  on_terminal "COLUMNS=$columns $foreshard compare llama3-70b-64h100 --tp 1-8"
  (($(widest) <= columns)) || complain "a line of the comparison has $(widest) columns"
  on_terminal "COLUMNS=$columns $foreshard list --help"
  (($(widest) <= columns)) || complain "a line of help has $(widest) columns"
done
what='a pipe, whatever COLUMNS says'
shown=$(COLUMNS=60 $plan)
[[ $shown == "$plain" ]] || complain "it is another text"
what='what does not fit'
on_terminal "$plan --set parallelism.pp=1 --set parallelism.zero=0"
has "${escape}31mIt does not fit${escape}0m: "
[[ $code == 1 ]] || complain "exit code $code, not 1"
what='a comparison'
on_terminal "$foreshard compare llama3-70b-64h100 --tp 4,8"
has "${escape}1;32mBest: tp 8${escape}0m, "
what='a complaint'
on_terminal "$foreshard plan no-such-job"
has "${escape}31merror:${escape}0m "
[[ $code == 2 ]] || complain "exit code $code, not 2"

for how in "NO_COLOR=1 $plan" "TERM=dumb $plan" "$plan --color never" "$plan | cat" "$plan --format json" \
  "$plan --format csv --color always"; do
  what=$how
  on_terminal "$how"
  lacks "$escape"
done
for how in "NO_COLOR= $plan" "NO_COLOR=1 $plan --color=always" "$plan --color always | cat"; do
  what=$how
  on_terminal "$how"
  has "$escape"
done
what='--color sometimes'
on_terminal "$foreshard list --color sometimes"
has "'sometimes' is none of auto, always, never"

# Work must last before anybody speaks of it, and how long a machine takes for it nobody knows. So it is made longer
# until they do: shows WORDS SIZE COMMAND: {} in the command stands for the size and 4, 16 and 64 times it, in turn.
shows() {
  local times
  for times in 1 4 16 64; do
    size=$((times * $2))
    on_terminal "${3//\{\}/$size}"
    [[ $shown != *"$1"* ]] || return 0
  done
  complain "there is no '$1', however long it takes"
}
what='a long simulation'
simulate="$foreshard simulate gpt3-175b-selene --set training.global_batch"
shows 'simulating gpt3-175b-selene [#' 15360 "$simulate={} >result"
long="$simulate=$size"
# The line is gone at the end: blanks, and nothing after them.
[[ $shown == *' '$'\r' ]] || complain 'the last line is not cleared'
cp result expected
what='a long simulation, told to be quiet about it'
on_terminal "$long 2>said >result"
shown=$(cat said)
[[ -z $shown ]] || complain 'it speaks into a file'
cmp -s result expected || complain 'it has another result'
for how in --unfolded '--network flow'; do
  what="a simulation $how"
  shows 'simulating llama3-70b-64h100 [#' 1024 "$foreshard simulate llama3-70b-64h100 $how --set training.global_batch={} >result"
done

if [[ -n $runner ]]; then
  run="$runner validate $job --steps 40 --format json"
  what='a run under mpirun'
  shows 'running steps [' 10 "${mpirun[*]} $runner validate $job --steps {} --format json >result"
  grep -q '"passed": true' result || complain 'it has no result'
  what='a run whose mpirun writes into a file'
  on_terminal "${mpirun[*]} $run >result 2>said"
  shown=$(cat said)
  lacks 'running steps'
  # The shell's terminal is not that of the run.
  what='a run that writes into a file'
  on_terminal "$runner validate $job --steps 40 --format json --set parallelism.tp=1 --set cluster.devices_per_node=1 >result 2>said"
  shown=$(cat said)
  lacks 'running steps'
  what='a sweep'
  shows 'tp 2, 2 of 2: running steps [' 20 \
    "${mpirun[*]} $runner sweep $job --tp 1,2 --steps {} --format json >result"
  what='no colour where mpirun writes into a file'
  on_terminal "${mpirun[*]} $runner validate $job --steps 2 >result"
  shown=$(cat result)
  lacks "$escape"
  what='colour under mpirun'
  on_terminal "${mpirun[*]} $runner validate $job --steps 2"
  has "${escape}32m✓${escape}0m"
fi
exit $failed
