#!/bin/bash
# gpt-oss 20B: windows in every second layer, sinks, experts in every layer; the size is chosen by a case.
SIZE="20b" # or "120b"
case "${SIZE}" in
    "20b")
        NUM_LAYERS=24
        NUM_EXPERTS=32
        ;;
    "120b")
        NUM_LAYERS=36
        NUM_EXPERTS=128
        ;;
    *)
        echo "unknown size"
        exit 1
        ;;
esac
while [[ $# -gt 0 ]]; do
    case $1 in
        --data) DATA="$2"; shift 2 ;;
        *) exit 1 ;;
    esac
done
WORLD_SIZE=$((8 * 1))
MODEL_ARGS=(
    --disable-bias-linear
    --untie-embeddings-and-output-weights
    --normalization RMSNorm
    --num-layers ${NUM_LAYERS}
    --hidden-size 2880
    --ffn-hidden-size 2880
    --num-attention-heads 64
    --kv-channels 64
    --group-query-attention
    --num-query-groups 8
    --seq-length 8192
    --max-position-embeddings 8192
    --position-embedding-type rope
    --swiglu
    --glu-linear-offset 1.0
    --softmax-type learnable
    --window-attn-skip-freq 2
    --window-size 127,0
    --activation-func-clamp-value 7.0
)
python -m torch.distributed.run --nproc_per_node 8 --nnodes 1 pretrain_gpt.py ${MODEL_ARGS[@]} \
    --num-experts ${NUM_EXPERTS} --moe-router-topk 4 --moe-ffn-hidden-size 2880 --moe-grouped-gemm \
    --moe-token-dispatcher-type alltoall --expert-model-parallel-size ${WORLD_SIZE} \
    --tokenizer-type NullTokenizer --vocab-size 201087 --mock-data \
    --micro-batch-size 1 --global-batch-size 64 --lr 1.0e-5 --bf16 \
    --attention-dropout 0.0 --hidden-dropout 0.0 --recompute-granularity full --recompute-method uniform \
    --recompute-num-layers 1 --use-distributed-optimizer
