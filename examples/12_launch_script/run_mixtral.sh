#!/bin/bash
# Mixtral 8x7B on four nodes, as Megatron-LM is launched. foreshard follows it without running anything.
#SBATCH --nodes=4
#SBATCH --gpus-per-node=8

export CUDA_DEVICE_MAX_CONNECTIONS=1
EP=${EP:-8}
MODEL_ARGS=(
    --num-layers 32
    --hidden-size 4096
    --ffn-hidden-size 14336
    --num-attention-heads 32
    --group-query-attention
    --num-query-groups 8
    --seq-length 4096
    --max-position-embeddings 4096
    --position-embedding-type rope
    --normalization RMSNorm
    --swiglu
    --disable-bias-linear
    --untie-embeddings-and-output-weights
    --attention-dropout 0.0
    --hidden-dropout 0.0
    --tokenizer-type Llama2Tokenizer
    --tokenizer-model $TOKENIZER
)
MOE_ARGS=(
    --num-experts 8
    --moe-router-topk 2
    --moe-grouped-gemm
    --moe-token-dispatcher-type alltoall
    --expert-model-parallel-size ${EP}
)
if [ -n "${WANDB_API_KEY}" ]; then
    LOGGING_ARGS=(--wandb-project mixtral)
fi

srun torchrun --nproc-per-node ${SLURM_GPUS_PER_NODE} --nnodes ${SLURM_NNODES} pretrain_gpt.py \
    "${MODEL_ARGS[@]}" "${MOE_ARGS[@]}" "${LOGGING_ARGS[@]}" \
    --tensor-model-parallel-size 1 --pipeline-model-parallel-size 4 \
    --use-distributed-optimizer --overlap-grad-reduce --overlap-param-gather \
    --micro-batch-size 1 --global-batch-size 256 --train-iters 50000 --bf16 --lr 1e-4 --data-path $DATA
