#include "runtime/kernels/cpu/vector/loops.hpp"

#define FORESHARD_TEXT_OF(name) #name
#define FORESHARD_TEXT(name) FORESHARD_TEXT_OF(name)

namespace foreshard::cpu::FORESHARD_KERNEL_SET {

extern const KernelSet kKernels;  // declared in kernel_sets.cpp
constinit const KernelSet kKernels{
    .name = FORESHARD_TEXT(FORESHARD_KERNEL_SET),
    .norm_forward = norm_forward,
    .norm_backward = norm_backward,
    .rope = rope,
    .row_max = row_max,
    .exp_sum = exp_sum,
    .loss_backward = loss_backward,
    .elementwise = elementwise,
    .gated = gated,
    .output_gate = output_gate,
    .update = update,
    .permute = permute,
    .copy = copy,
    .scale = scale,
    .add_to = add_to,
    .add_columns = add_columns,
    .sum_squares = sum_squares,
    .softmax_tile = softmax_tile,
    .softmax_end = softmax_end,
    .probabilities = probabilities,
    .score_gradients = score_gradients,
    .row_products = row_products,
};

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
