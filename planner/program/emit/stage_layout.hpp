#pragma once

#include <cstdint>
#include <vector>

#include "planner/spec/job/job_spec.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// The consecutive layers of one model chunk.
struct LayerRange {
  LayerId first;
  std::int64_t count = 0;
  friend constexpr bool operator==(const LayerRange&, const LayerRange&) = default;
};

/// Which layers each stage and chunk holds. Chunk c of stage s is the (c·p + s)-th piece of the model in
/// order.
///   even     layers / (p·v) each, the remainder one each to the middle pieces
///   by-cost  the split whose slowest piece is fastest, the embedding and the head counted as layers of their
///   share
///            of a layer's forward FLOPs (the embedding as 0)
///   listed   the job's own counts
/// @pre layers >= p·v (the job validator says so before)
std::vector<std::vector<LayerRange>> stage_layout(const ModelSpec& model, const ParallelismSpec& parallelism,
                                                  std::int64_t sequence_length);  // [stage][chunk]

}  // namespace foreshard
