#!/usr/bin/env bash
# Runs foreshard-run under Slurm: its daemons run here, for this test alone, with one node of four processors.
#
#   slurm_test.sh FORESHARD_RUN JOB
#
# srun with PMIx starts the ranks. A run that works, one with a wrong number of ranks, a rank that is killed, a rank that
# is stopped: each ends as under mpirun, within seconds, and leaves no process.
set -euo pipefail
tool=$1
job=$2

skip() {
  echo "skipped: $1"
  exit 77
}
PATH=$PATH:/usr/sbin
for program in slurmctld slurmd srun sinfo; do
  command -v $program >/dev/null || skip "needs $program (Debian: slurmctld, slurmd)"
done
((EUID == 0)) || skip "Slurm's daemons start processes as root"

scratch=$(mktemp -d)
daemons=()
end_all() {
  kill "${daemons[@]}" 2>/dev/null || true
  wait "${daemons[@]}" 2>/dev/null || true
  rm -rf "$scratch"
}
trap end_all EXIT
export SLURM_CONF=$scratch/slurm.conf
# Shared memory of the ranks: under srun nobody removes it when a run ends badly, so it gets a place of its own.
export OMPI_MCA_btl_vader_backing_directory=$scratch/shared
mkdir "$scratch/state" "$scratch/shared" "$scratch/spool"
ln -s "$(realpath "$tool")" "$scratch/run"
host=$(hostname -s)
port=$((20000 + $$ % 20000))
# No munge: who asks is not checked, and only this machine can ask.
cat >"$SLURM_CONF" <<END_OF_FILE
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool
SlurmdParameters=config_overrides
KillWait=5
NodeName=here NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=4
PartitionName=all Nodes=here Default=YES State=UP
END_OF_FILE
slurmctld -D -c >"$scratch/slurmctld" 2>&1 &
daemons+=($!)
slurmd -D -N here >"$scratch/slurmd" 2>&1 &
daemons+=($!)
for ((i = 0; i < 100; ++i)); do
  [[ $(sinfo -h -o %T 2>/dev/null) != idle ]] || break
  sleep 0.1
done
[[ $(sinfo -h -o %T 2>/dev/null) == idle ]] || skip "Slurm does not start here: $(tail -n 3 "$scratch/slurmctld" "$scratch/slurmd")"
srun --mpi list 2>&1 | grep -q pmix || skip "this Slurm has no PMIx"

fail() {
  printf 'slurm_test.sh: %s\nprinted was:\n' "$1"
  cat "$scratch/printed"
  exit 1
}
ranks() { pgrep -f "^$scratch/run " || true; }
start() { # start RANKS ARGUMENT…
  local ranks=$1
  shift
  srun --mpi pmix -n "$ranks" --overcommit --distribution block --kill-on-bad-exit "$scratch/run" "$@" >"$scratch/printed" 2>&1 </dev/null
}
# ends CODE PATTERN: how the last start ended
ends() {
  [[ $code =~ ^($1)$ ]] || fail "exit code $code, not $1"
  grep -qE -- "$2" "$scratch/printed" || fail "nothing matches: $2"
  for ((i = 0; i < 100; ++i)); do
    [[ -n $(ranks) ]] || break
    sleep 0.1
  done
  [[ -z $(ranks) ]] || fail "processes are left: $(ranks)"
  printf 'ended with %d: %s\n' "$code" "$(grep -m 1 -oE -- "$2" "$scratch/printed")"
}
# strike SIGNAL: a rank gets it in the middle of a run
strike() {
  code=0
  start 2 validate "$job" --steps 100000 --no-numerics --timeout 3 &
  local run=$!
  for ((i = 0; i < 200; ++i)); do
    (($(ranks | wc -l) < 2)) || break
    sleep 0.1
  done
  sleep 3
  kill "-$1" "$(ranks | tail -n 1)"
  wait $run || code=$?
}

code=0
start 4 validate "$job" --steps 2 --set parallelism='{tp: 2, dp: 2}' || code=$?
ends 0 'equal the unsharded run \(worst .*\) ✓'
code=0
start 3 validate "$job" || code=$?
ends 2 'the job needs 2 devices'
strike KILL
# Slurm says which signals ended the ranks, and returns the largest.
ends '137|143' 'task 1: Killed'
strike STOP
ends 3 '^no progress for 3 s; the run is ended'
