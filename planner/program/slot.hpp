#pragma once

#include <compare>
#include <cstdint>

#include "planner/program/block.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// One entry of a stage's schedule: one pass of one micro-batch through one chunk.
struct Slot {
  Pass pass = Pass::forward;
  ChunkId chunk;
  MicroBatch micro_batch;
  /// A backward pass whose operations are issued in turns with those of the slot before, a forward pass of another
  /// micro-batch or chunk: wait_rule.hpp.
  bool in_turns = false;
  friend constexpr bool operator==(const Slot&, const Slot&) = default;
};

}  // namespace foreshard
