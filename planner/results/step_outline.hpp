#pragma once

#include <vector>

#include "planner/program/block.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/quantity.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// Operations of one lane of a stage that belong to the same pass of the same micro-batch and follow each
/// other without a longer pause.
struct OutlineSpan {
  StageId stage;
  Lane lane = Lane::compute;
  Pass pass = Pass::forward;
  ChunkId chunk;
  MicroBatch micro_batch;  ///< 0 for Pass::once
  Seconds start;
  Seconds end;
  friend constexpr bool operator==(const OutlineSpan&, const OutlineSpan&) = default;
};

/// A simulated step, coarse enough to be drawn as a picture: one rank of every stage.
struct StepOutline {
  Seconds resolution;  ///< shorter pauses are not seen
  std::vector<OutlineSpan> spans;
};

}  // namespace foreshard
