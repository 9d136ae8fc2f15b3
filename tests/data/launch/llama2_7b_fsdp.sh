#!/bin/bash
# Llama 2 7B with Megatron-FSDP; the number of nodes comes from outside.
USE_FSDP=${USE_FSDP:-1}
ARGS=(
    --num-layers 32 --hidden-size 4096 --ffn-hidden-size 11008 --num-attention-heads 32
    --seq-length 4096 --max-position-embeddings 4096 --position-embedding-type rope --swiglu
    --normalization RMSNorm --disable-bias-linear --untie-embeddings-and-output-weights
    --attention-dropout 0 --hidden-dropout 0 --tokenizer-type Llama2Tokenizer
    --micro-batch-size 2 --global-batch-size 512 --bf16 --context-parallel-size 2 --cp-comm-type a2a
)
if [ "${USE_FSDP}" = 1 ]; then
    unset CUDA_DEVICE_MAX_CONNECTIONS
    ARGS=(
        "${ARGS[@]}"
        --use-megatron-fsdp
        --data-parallel-sharding-strategy optim_grads_params
        --no-gradient-accumulation-fusion
        --use-distributed-optimizer
        --overlap-grad-reduce
        --overlap-param-gather
        --a-flag-of-tomorrow 7
    )
fi
torchrun --nproc-per-node 8 --nnodes ${NUM_NODES} pretrain_gpt.py "${ARGS[@]}"
