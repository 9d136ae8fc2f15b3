#pragma once

#include "planner/program/block.hpp"
#include "planner/program/program_builder.hpp"

namespace foreshard {

/// With training.activation_func_fp8_input_store: what SwiGLU reads and backward reads again is kept in fp8.
///   forward    act = swiglu(gate_up)   q = cast(gate_up)
///   backward   gate_up' = cast(q)   d(gate_up) = swiglu'(gate_up', d.act)
/// Inputs that backward makes anew stay as they are. Source: NVIDIA/Megatron-LM@d98e8a6:
/// megatron/core/fusions/fused_bias_swiglu.py, SwiGLUFunction.
void keep_inputs_in_fp8(ProgramBuilder& builder, Block& forward, Block& backward);

}  // namespace foreshard
