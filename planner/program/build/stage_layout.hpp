#pragma once

#include <vector>

#include "planner/program/schedule/placement.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/count.hpp"

namespace foreshard {

/// FLOPs of one micro-batch's forward pass on one rank.
struct ForwardCosts {
  std::vector<Flops> layers;  ///< for each layer of the model
  Flops end;                  ///< for what follows the last layer: the output head and multi-token prediction
  bool has_mtp = false;       ///< the model has multi-token prediction
};

/// Chooses the layers of each stage and chunk (p stages, v chunks per stage), by the job's policy:
///   even     layers / (p·v) for each piece; the remaining layers go one each to the middle pieces
///   by-cost  the split that minimises the cost of the most expensive piece; the last piece also has the head
///            and multi-token prediction (the embedding takes no FLOPs)
///   listed   the counts that the job lists
/// @pre layers >= p·v unless the counts are listed (the job validator checks this)
/// The pieces go round the stages, or down and up a V (runs_in_v).
Placement stage_layout(const JobSpec& job, const ForwardCosts& costs);

}  // namespace foreshard
