#!/usr/bin/env bash
# Runs foreshard-run under mpirun as a user does, and looks at its exit code, standard output and standard error.
#
#   run_mpi_test.sh FORESHARD_RUN EXAMPLES MPIRUN…
set -euo pipefail
tool=$1
examples=$2
shift 2
mpirun=("$@")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# expect CODE RANKS ARGUMENT…: runs the tool; its output is in out and err.
expect() {
  local code=0 expected=$1 ranks=$2
  shift 2
  what="-n $ranks foreshard-run $*"
  (cd "$scratch" && "${mpirun[@]}" "$ranks" "$tool" "$@" >out 2>err </dev/null) || code=$?
  if [[ $code != "$expected" ]]; then complain "exit code $code, not $expected"; fi
}
complain() {
  printf '%s: %s\nstandard output:\n%s\nstandard error:\n%s\n' "$what" "$1" "$(cat "$scratch/out")" "$(cat "$scratch/err")"
  failed=1
}
says() { grep -qE -- "$2" "$scratch/$1" || complain "no '$2' in $1"; }
is_narrow() { [[ -z $(LC_ALL=C.UTF-8 awk 'length > 100' "$scratch/out") ]] || complain 'it is wider than 100 columns'; }
silent() { [[ ! -s $scratch/$1 ]] || complain "$1 is not empty"; }

job=$examples/04_validate_mpi/job.yaml
expect 0 1 --help
says out 'Usage: foreshard-run'
says out 'validate'
is_narrow
expect 0 1 validate --help
says out 'mpirun -n 2 foreshard-run validate'
is_narrow

expect 0 2 validate "$job" --steps 3 --trace both.json
says out 'gradients equal the unsharded run'
says out 'as$|as planned|^ +planned'
says out 'ffn GEMM forward +8 '
says out 'step +[0-9.,]+ +[0-9.,]+ ± [0-9.,]+ +[+−][0-9.]+%'
says out 'Basis: replay'
silent err
grep -q '"name":"predicted: stage 0"' "$scratch/both.json" || complain "no predicted timeline in the trace"
grep -q '"name":"measured: stage 0"' "$scratch/both.json" || complain "no measured timeline in the trace"

expect 0 2 validate "$job" --steps 2 --basis model --format json
says out '"basis": "model"'
says out '"passed": true'
# A step is never predicted to a thousandth of a percent.
expect 1 2 validate "$job" --steps 2 --tolerance 0.001% --no-numerics
says out 'The prediction does not hold within 0.0%'

expect 0 2 validate "$job" --steps 2 --set parallelism='{pp: 2}' --set training.micro_batch=1
says out 'waiting for other stages'
expect 0 2 validate "$job" --steps 2 --set parallelism='{dp: 2, zero: 1}'
says out 'tp 1, pp 1, dp 2, zero 1'

# One rank's share of four, the other three not there.
expect 0 1 validate "$job" --steps 2 --shard rank=3 --set parallelism='{tp: 2, pp: 2}' --set cluster.devices_per_node=4
says out 'rank 3 of 4 alone, a rank of stage 1'
says out 'all-reduce.* as predicted'
says out 'head GEMM forward +[0-9]+ +[0-9.,]+ +[0-9.,]+ ± [0-9.,]+'
says out 'step, communication as predicted'
says out 'as$|as planned|^ +planned'
expect 0 1 validate "$job" --steps 2 --shard rank=0 --format json
says out '"kind": "all-reduce"'
says out '"measured_s": null'
expect 2 1 validate "$job" --shard 3
says err "takes a rank, as in rank=0, not '3'"
expect 2 1 validate "$job" --shard rank=2
says err "the job's ranks are 0 to 1"
expect 2 2 validate "$job" --shard rank=0
says err 'without mpirun'

# Sequences that are cut, and tokens that find their experts; both at small sizes.
small="--set training.sequence_length=64 --set model.vocab=256 --set model.hidden=64 --steps 2"
expect 0 2 validate long-context-laptop $small
says out 'tp 1, pp 1, cp 2, dp 1, zero 0'
says out 'equal the unsharded run'
says out 'as$|as planned|^ +planned'
expect 0 2 validate tiny-experts-laptop $small
says out 'tp 1, pp 1, ep 2, dp 2, zero 0'
says out 'routing +[0-9]+ to [0-9]+ rows per expert, 32.0 if even'
expect 0 2 validate tiny-experts-laptop $small --format json
says out '"rows_per_expert": [{]'
says out '"planned_imbalance": 2.0'
for patterned in tiny-patterns-laptop tiny-gpt-oss-laptop; do
  expect 0 2 validate $patterned $small --set model.layer_kinds.local.attention.window=24
  says out 'equal the unsharded run'
  says out 'as$|as planned|^ +planned'
done
expect 3 2 validate tiny-experts-laptop $small --set model.experts.imbalance=1
says err "rows to one rank's experts, but model.experts.imbalance 1 makes room for"
expect 0 1 validate tiny-experts-laptop $small --set model.experts.imbalance=1 --shard rank=1
says out 'tokens go to experts as the plan has them'
says out 'routing +32 to 32 rows per expert, 32.0 if even'

# More devices than the job's cluster: the ranks are the devices.
expect 0 4 validate "$job" --steps 2 --set parallelism='{tp: 2, dp: 2}'
says out 'tp 2, pp 1, dp 2, zero 0'

expect 2 3 validate "$job"
says err 'the job needs 2 devices'
says err 'mpirun -n 2 foreshard-run validate'
silent out
expect 2 1 validate "$job" --stps 3
says err "unknown option '--stps'; did you mean '--steps'"
expect 2 1 validate llama3-8b-8h100
says err 'a job for NVIDIA H100|the job needs 8 devices'  # without a GPU, with one
expect 2 2 validate "$job" --set training.precision=fp16
says err 'training.precision: cpu has no fp16'
expect 2 2 validate "$job" --set training.sequence_lenght=5
says err "did you mean 'sequence_length'"
expect 2 2 validate "$job" --tolerance ten
says err 'takes a share from 0 to 100%, such as 10% or 0.1, not .ten.'
expect 3 2 validate "$job" --steps 2 --trace no/such/folder/both.json
says err 'no/such/folder'

# Ranks that were given different jobs.
expect 2 1 validate "$job" : "${mpirun[-1]}" 1 "$tool" validate "$job" --set training.sequence_length=64
says err 'has another job than rank 0'

expect 2 2 sweep "$job"
says err '--tp is required'
(cd "$scratch" && "${mpirun[@]}" 2 "$tool" sweep "$job" --tp 1,2,8 --steps 2 >out 2>err </dev/null) || true
what=sweep
says out 'predicted order|order is'
says out '8 +– '
exit $failed
