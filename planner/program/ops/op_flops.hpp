#pragma once

#include "planner/program/ops/op.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// FLOPs of one operation on one rank.
struct OpFlops {
  /// Model FLOPs, as in MFU: attention's full square, backward twice forward, no recomputation.
  Flops model;
  /// Model FLOPs plus recomputation, that inside flash attention's backward included; attention's full
  /// square.
  Flops hardware;
  /// What the device executes: hardware FLOPs with the attention core halved by a causal mask.
  Flops executed;
};
OpFlops op_flops(const Op& op);

}  // namespace foreshard
