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
  friend constexpr bool operator==(const Slot&, const Slot&) = default;
};

}  // namespace foreshard
