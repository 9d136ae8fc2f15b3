#pragma once

#include "planner/program/block.hpp"

namespace foreshard {

/// Puts the weight gradients of routed experts behind the exchange that returns the gradients of their inputs, so that
/// they run while it does. Other blocks stay as they are.
///   before   …  d.act = d.out · W₂   dW₂   d.in = d.gate_up · W₁   dW₁   exchange d.in   …
///   after    …  d.act = d.out · W₂   d.in = d.gate_up · W₁   exchange d.in   dW₂   dW₁   …
/// Source: Megatron-LM's --delay-wgrad-compute, TransformerLayerSchedulePlan.run: mlp.backward_dw beside
/// moe_dispatch.backward.
/// @pre nothing between changes what the weight gradients read
void delay_weight_gradients(Block& backward);

}  // namespace foreshard
