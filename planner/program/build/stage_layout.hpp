#pragma once

#include <vector>

#include "planner/program/schedule/placement.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/count.hpp"

namespace foreshard {

/// FLOPs of one micro-batch's forward pass on one rank.
struct ForwardCosts {
  std::vector<Flops> layers;  ///< of each layer of the model
  Flops head;                 ///< of the output head, behind the last layer
};

/// Which layers each stage and chunk holds.
///   even     layers / (p·v) each, the remainder one each to the middle pieces
///   by-cost  the split whose slowest piece is fastest, with the head on the last one (the embedding takes no
///            FLOPs)
///   listed   the job's own counts
/// @pre layers >= p·v (the job validator says so before)
Placement stage_layout(const ParallelismSpec& parallelism, const ForwardCosts& costs);

}  // namespace foreshard
