#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "planner/cost/step/compute_part.hpp"
#include "planner/cost/step/lane_plan.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What one call of a block adds to the sums of a rank's step. Overlap is ignored: a step's sums are
/// Σ count × block.
struct BlockCost {
  // Kernels:
  Seconds gemms;
  Seconds attention_core;
  Seconds scans;         ///< of linear mixers, with their convolutions
  Seconds memory_bound;  ///< without the optimizer's kernels
  PartLimits limited;    ///< time of all kernels (with the optimizer's) by part and by limit
  // Communication, whether or not compute hides it:
  std::array<Seconds, kCommAxisCount> comm_time;
  std::array<Bytes, kCommAxisCount> comm_bytes;  ///< sent by one device
  std::array<std::int64_t, kCommAxisCount> comm_calls{};
  Flops hardware;       ///< what one rank executes; attention counts the full s × s square
  Flops gemm_executed;  ///< executed by the matrix products outside the attention core
};

/// The cost of every block of a program, by BlockId.
std::vector<BlockCost> price_blocks(const StepProgram& program, const OpTimes& times);

/// Adds `count` runs of `block` to a sum.
void add(BlockCost& sum, const BlockCost& block, std::int64_t count);

}  // namespace foreshard
