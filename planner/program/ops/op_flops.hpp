#pragma once

#include "planner/program/ops/op.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// FLOPs of one operation on one rank.
struct OpFlops {
  Flops model;  ///< counted in model FLOPs: attention's full square, backward twice forward, no recomputation
  Flops
      hardware;  ///< with recomputation and flash attention's backward recomputation; attention's full square
  Flops executed;  ///< what the device really multiplies: a causal mask halves the attention core
};
OpFlops op_flops(const Op& op);

}  // namespace foreshard
