#!/usr/bin/env bash
# Tests and measures on a GPU, with what scripts/pack_for_gpu.sh has packed, in a few minutes.
#
#   ./gpu.sh [STEP…]     tests, steps, nccl, ranks, sanitizer, bench, torch, shard; all of them unless said
#
# CUDA's libraries are taken from LD_LIBRARY_PATH, from /usr/local/cuda, or from Python's packages.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=${OUT:-$PWD/results}
mkdir -p "$out"

find_libraries() {
  local roots=(/usr/local/cuda /opt "$(python3 -c 'import site; print(site.getsitepackages()[0])' 2>/dev/null)")
  for name in libcublasLt.so.13 libcudnn.so.9 libnccl.so.2; do
    find -L "${roots[@]}" -name "$name" -not -path '*/stubs/*' 2>/dev/null | head -1 | xargs -r dirname
  done | sort -u | paste -sd:
}
export LD_LIBRARY_PATH=$PWD/lib:${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$(find_libraries)
export FORESHARD_CONFIGS=$PWD/configs OPENBLAS_NUM_THREADS=1
export OPAL_PREFIX=$PWD/openmpi OMPI_MCA_mca_base_component_path=$PWD/openmpi/lib
export OPAL_DATADIR=$PWD/openmpi OPAL_PKGDATADIR=$PWD/openmpi/share OPAL_BINDIR=$PWD/bin OPAL_LIBDIR=$PWD/lib
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=none PATH=$PWD/bin:$PATH

step() {
  local name=$1
  shift
  echo "== $name"
  local begin=$SECONDS code=0
  timeout "${STEP_LIMIT:-120}" "$@" >"$out/$name.txt" 2>&1 || code=$?
  grep -v pmix "$out/$name.txt" | tail -n "${LINES_SHOWN:-25}"
  echo "== $name: exit code $code after $((SECONDS - begin)) s"
}

run_tests() { step tests ./bin/cuda_kernels_test; }
# Whole steps, all ranks on this one GPU.
run_steps() {
  for ranks in 1 2 4; do step "steps-$ranks" mpirun -q -n $ranks ./bin/cuda_steps_test; done
}
run_sanitizer() {
  step sanitizer compute-sanitizer ${SANITIZER_TOOL:+--tool $SANITIZER_TOOL} --error-exitcode 9 ./bin/cuda_kernels_test ${SANITIZED:+"$SANITIZED"}
}
run_bench() { step bench ./bin/cuda_bench "$out/cuda_bench.json"; }
# PyTorch and foreshard on the same layers, in turn.
run_torch() {
  local ours="env LD_LIBRARY_PATH=$LD_LIBRARY_PATH ./bin/cuda_bench --serve"
  (unset LD_LIBRARY_PATH; step torch python3 torch_layer_bench.py "$ours" ${SHAPES:+--shapes $SHAPES})
}
# The GPU's own constants, then one rank's share of jobs for 8 and for 64 GPUs like it, predicted from them.
run_shard() {
  local node=dgx-h100
  nvidia-smi -L | grep -q H200 && node=dgx-h200
  step devices ./bin/foreshard-run devices
  step calibrate ./bin/foreshard-run calibrate --like $node --out "$out/$node-measured.yaml"
  node=$out/$node-measured.yaml
  shard() {  # NAME JOB PARALLELISM SEQUENCES [SETTING…]
    local name=$1 job=$2 parallelism=$3 sequences=$4 settings=() setting
    shift 4
    for setting in "$@"; do settings+=(--set "$setting"); done
    step "shard-$name" ./bin/foreshard-run validate "$job" --shard rank=0 --steps 5 --cluster "$node" \
      --set framework=foreshard --set training.recompute=none --set "parallelism={$parallelism, zero: 1}" \
      --set training.global_batch="$sequences" "${settings[@]}"
  }
  shard 8b-tp8 llama3-8b-8h100 "tp: 8" 8
  shard 8b-tp2 llama3-8b-8h100 "tp: 2, dp: 4" 8
  shard 8b-cp4 llama3-8b-8h100 "tp: 2, cp: 4" 2 training.sequence_length=32768
  shard 70b-tp8 llama3-70b-64h100 "tp: 8, pp: 4, dp: 2" 16 cluster.nodes=8
  # Eight layers each, all with experts; the runtime has no biases of routers.
  shard mixtral-ep8 llama3-8b-8h100 "dp: 8, ep: 8" 32 model=mixtral-8x7b model.layers=8 \
    training.sequence_length=4096
  shard deepseek-ep64 llama3-8b-8h100 "pp: 2, dp: 64, ep: 64" 512 model=deepseek-v3 model.layers=8 \
    model.experts.dense_layers=0 model.experts.score_bias=false cluster.nodes=16 training.sequence_length=4096
}
# NCCL between ranks that share the GPU, through sockets.
run_nccl() {
  step nccl mpirun -q -n 2 ./bin/nccl_probe
}
# Several ranks on this one GPU: what they compute, not how fast.
run_ranks() {
  local model='{name: small, layers: 4, hidden: 512, ffn_hidden: 1408, ffn: swiglu, heads: 8, kv_heads: 4, vocab: 4096}'
  local job=llama3-8b-8h100
  for degrees in "tp: 2" "pp: 2" "dp: 2, zero: 1" "tp: 2, dp: 2"; do
    local ranks=2
    [[ $degrees == "tp: 2, dp: 2" ]] && ranks=4
    for precision in fp32 bf16; do
      step "ranks-${degrees//[^a-z0-9]/}-$precision" mpirun -q -n $ranks foreshard-run validate $job --steps 2 \
        --set framework=foreshard --set training.recompute=none \
        --set "model=$model" --set "parallelism={$degrees}" --set training.sequence_length=256 \
        --set training.global_batch=8 --set training.micro_batch=2 --set training.precision=$precision
    done
  done
}

steps=("$@")
[[ $# -gt 0 ]] || steps=(tests steps nccl ranks sanitizer bench torch shard)
for each in "${steps[@]}"; do "run_$each"; done
