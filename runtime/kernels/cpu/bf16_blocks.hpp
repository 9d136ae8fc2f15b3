#pragma once

#include "runtime/device/kernel_call.hpp"
#include "runtime/kernels/cpu/cpu_kernels.hpp"

namespace foreshard::cpu {

/// The product of a call whose factors are bf16, on any processor: block by block the factors become fp32,
/// multiply as such, and are summed in fp32; a bf16 result is rounded once. What bias there is already stands
/// in C, where `adds`.
/// @pre a and b are bf16, c is bf16 or fp32
void multiply_in_blocks(Context& context, const GemmCall& call, bool adds);

}  // namespace foreshard::cpu
