#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "planner/cost/step/compute_part.hpp"
#include "planner/cost/step/lane_player.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What one run of a block costs on one rank; a step is Σ count × block.
struct BlockCost {
  Seconds
      time;  ///< by which a row of equal blocks grows with one more: what hides behind neighbours is hidden
  Seconds compute;                              ///< the compute lane is busy
  std::array<Seconds, kCommAxisCount> exposed;  ///< the compute lane waits for this axis
  // Parts of compute:
  Seconds gemms;
  Seconds attention_core;
  Seconds memory_bound;
  Seconds optimizer;
  PartLimits limited;  ///< those four parts by what limits their kernels
  Seconds overhead;    ///< the compute lane waits for the host; in `time`, not in `compute`
  // Communication, hidden or not:
  std::array<Seconds, kCommAxisCount> comm_time;
  std::array<Bytes, kCommAxisCount> comm_bytes;  ///< sent by one device
  std::array<std::int64_t, kCommAxisCount> comm_calls{};
  Flops hardware;       ///< as one rank runs them, attention's full square
  Flops gemm_executed;  ///< by the products outside the attention core
};

/// The cost of every block of a program, by BlockId.
/// Communication that hides behind compute slows it by its share of the multiprocessors; a block takes at
/// least the time in which the host can submit its kernels.
std::vector<BlockCost> price_blocks(const StepProgram& program, const OpTimes& times,
                                    const Interference& interference = {});

/// Adds `count` runs of `block` to a sum.
void add(BlockCost& sum, const BlockCost& block, std::int64_t count);

}  // namespace foreshard
