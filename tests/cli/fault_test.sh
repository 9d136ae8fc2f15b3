#!/usr/bin/env bash
# Strikes runs of foreshard-run at random moments, from their start to their end, and holds each end to its promises:
# within seconds, with a message that says what happened, no process and no file left behind.
#
#   fault_test.sh COUNT SEED FORESHARD_RUN JOB MPIRUN…
#
# Faults: a rank killed, a rank stopped, a rank told to end early, memory taken from a rank, Ctrl-C to mpirun. Prints how
# often each struck in each fifth of a run, and how the runs ended. The moments come from SEED.
# FORESHARD_FAULT_COMMAND: what runs, with its options but --timeout, instead of a validation of JOB; FORESHARD_FAULT_DONE:
# what a line matches that it prints at its end.
set -euo pipefail

count=$1
RANDOM=$2
tool=$3
job=$4
shift 4
mpirun=("$@")
scratch=$(mktemp -d)
trap 'pkill -KILL -f "^$scratch/run " || true; rm -rf "$scratch"' EXIT
# A name of this test's own, by which its processes are known, and places of its own for what MPI leaves.
ln -s "$(realpath "$tool")" "$scratch/run"
mkdir "$scratch/shared" "$scratch/session"
export OMPI_MCA_btl_vader_backing_directory=$scratch/shared TMPDIR=$scratch/session
timeout_s=3
limit_s=45
read -ra command <<<"${FORESHARD_FAULT_COMMAND:-validate $job --steps 40 --threads 1}"
done_words=${FORESHARD_FAULT_DONE:-^  Basis: }
done_code=${FORESHARD_FAULT_COMMAND:+1}  # a sweep returns 1 where the predicted order does not hold; a validation must not
faults=(kill stop end memory interrupt)

ranks() { pgrep -f "^$scratch/run " || true; }
start() {
  "${mpirun[@]}" 2 "$scratch/run" "${command[@]}" --timeout $timeout_s >"$scratch/printed" 2>&1 </dev/null &
  run=$!
}
fail() {
  printf 'fault_test.sh: %s, %s ms after its ranks were there: %s\nprinted was:\n' "$fault" "$moment" "$1"
  cat "$scratch/printed"
  exit 1
}
wait_for_ranks() {
  for ((i = 0; i < 400; ++i)); do
    (($(ranks | wc -l) < 2)) || return 0
    sleep 0.025
  done
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# How long a run takes that nothing befalls, from its ranks' being there.
start
wait_for_ranks
began=$(now_ms)
wait $run || (($? <= ${done_code:-0})) || { cat "$scratch/printed" && exit 1; }
whole=$(($(now_ms) - began))
printf 'a run takes %d ms\n' $whole

# strike: the fault befalls one of the ranks, or mpirun.
strike() {
  local victim
  victim=$(ranks | sed -n "$((RANDOM % 2 + 1))p")
  case $fault in
    kill) kill -KILL "$victim" ;;
    stop) kill -STOP "$victim" ;;
    end) kill -TERM "$victim" ;;
    memory) prlimit --pid "$victim" --as=$((1024 * $(awk '/^VmSize/ {print $2}' "/proc/$victim/status"))) ;;
    interrupt) kill -INT $run ;;
  esac 2>/dev/null || return 0 # it has ended already
}

# What each fault may lead to, beside a run that had ended before: code and message.
says() { grep -qiE -- "$1" "$scratch/printed"; }
judge() {
  # A run that was over before, or went on, has said all it had to say.
  if ((code <= ${done_code:-0})) && says "$done_words"; then return 0; fi
  case $fault in
    kill) ((code == 137)) && says 'signal 9' ;;
    end) ((code == 143)) && says 'signal 15' ;;
    stop) ((code == 3)) && says 'no progress|no sign of life|not been heard' ;;
    # OpenBLAS tries for ever where it gets no memory; then it is a hang. Open MPI's reader of its own texts ends with 2.
    memory)
      ((code == 2)) && says 'out of dynamic memory' && return 0
      ((code == 3 || code > 128)) && says 'memory|signal|allocat|no progress'
      ;;
    interrupt) ((code == 1 || code == 130)) ;;
  esac
}

# Gives up on a run after a while. A rank that was stopped behind the run's last words, with all others gone, can be seen
# by nobody but mpirun, which waits: it may go on.
guard() {
  local alone=0
  for ((tenth = 0; tenth < 10 * limit_s; ++tenth)); do
    sleep 0.1
    [[ -e $scratch/running ]] || return 0
    if (($(ranks | wc -l) == 1)); then alone=$((alone + 1)); else alone=0; fi
    if ((alone == 50)); then pkill -CONT -f "^$scratch/run " || true; fi
  done
  pkill -KILL -f "^$scratch/run " || true
  touch "$scratch/late"
}

declare -A struck ended
for ((trial = 0; trial < count; ++trial)); do
  fault=${faults[trial % ${#faults[@]}]}
  moment=$((RANDOM * whole / 32768))
  start
  wait_for_ranks
  sleep "$(awk -v ms=$moment 'BEGIN {print ms / 1000}')"
  strike
  began=$(now_ms)
  touch "$scratch/running"
  guard &
  guard=$!
  code=0
  wait $run || code=$?
  rm "$scratch/running"
  wait $guard
  took=$(($(now_ms) - began))
  [[ ! -e $scratch/late ]] || fail "the run had not ended after $limit_s s"
  judge || fail "exit code $code"
  for ((i = 0; i < 50; ++i)); do
    [[ -n $(ranks) ]] || break
    sleep 0.1
  done
  [[ -z $(ranks) ]] || fail "processes are left: $(ranks)"
  left=$(find "$scratch/shared" "$scratch/session" -type f -o -type s)
  [[ -z $left ]] || fail "files are left: $left"
  fifth=$((5 * moment / whole))
  struck[$fault$fifth]=$((${struck[$fault$fifth]:-0} + 1))
  if ((code == 0)); then outcome=unharmed; else outcome=ended; fi
  ended[$fault$outcome]=$((${ended[$fault$outcome]:-0} + 1))
  ((took <= ${longest:-0})) || longest=$took
done

printf '%-10s struck in each fifth of a run    ended   unharmed\n' fault
for fault in "${faults[@]}"; do
  printf '%-10s' "$fault"
  for fifth in 0 1 2 3 4; do printf '%5d' "${struck[$fault$fifth]:-0}"; done
  printf '%17d %10d\n' "${ended[${fault}ended]:-0}" "${ended[${fault}unharmed]:-0}"
done
printf '%d runs struck; the longest took %d ms to end after that\n' "$count" "${longest:-0}"
