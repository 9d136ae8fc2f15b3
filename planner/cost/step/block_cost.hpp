#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "planner/cost/step/compute_part.hpp"
#include "planner/cost/step/lane_plan.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What one run of a block adds to the sums of a rank's step, whatever overlaps what; a step is Σ count × block.
struct BlockCost {
  // Kernels alone:
  Seconds gemms;
  Seconds attention_core;
  Seconds memory_bound;  ///< the optimizer's left out
  PartLimits limited;    ///< kernels, the optimizer's too, by what limits them
  // Communication, hidden or not:
  std::array<Seconds, kCommAxisCount> comm_time;
  std::array<Bytes, kCommAxisCount> comm_bytes;  ///< sent by one device
  std::array<std::int64_t, kCommAxisCount> comm_calls{};
  Flops hardware;       ///< as one rank runs them, attention's full square
  Flops gemm_executed;  ///< by the products outside the attention core
};

/// The cost of every block of a program, by BlockId.
std::vector<BlockCost> price_blocks(const StepProgram& program, const OpTimes& times);

/// Adds `count` runs of `block` to a sum.
void add(BlockCost& sum, const BlockCost& block, std::int64_t count);

}  // namespace foreshard
