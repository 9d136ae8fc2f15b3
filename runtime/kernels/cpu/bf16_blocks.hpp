#pragma once

#include "runtime/device/kernel_call.hpp"
#include "runtime/kernels/cpu/cpu_kernels.hpp"

namespace foreshard::cpu {

/// The product of bf16 factors on any processor: blocks of the factors are converted to fp32, multiplied and
/// summed in fp32; a bf16 result is rounded once. If `adds`, the product is added to C, which may already
/// hold the bias.
/// @pre a and b are bf16, c is bf16 or fp32
void multiply_in_blocks(Context& context, const GemmCall& call, bool adds);

}  // namespace foreshard::cpu
