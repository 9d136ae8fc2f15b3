#pragma once

#include <cstdint>
#include <vector>

#include "planner/program/schedule/slot.hpp"
#include "planner/spec/job_spec.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// The sizes that a pipeline schedule depends on.
struct ScheduleShape {
  ScheduleKind kind = ScheduleKind::one_f_one_b;
  std::int64_t stages = 1;         ///< p
  std::int64_t chunks = 1;         ///< v, per stage
  std::int64_t micro_batches = 1;  ///< m
};

/// The order in which one stage runs its forward and backward passes; every (chunk, micro-batch) once each.
///   gpipe        all forwards, then all backwards.                          Huang et al. 2019,
///   arXiv:1811.06965 1f1b         p−1−stage warm-up forwards, then one forward, one backward. Narayanan et
///   al. 2019 (PipeDream-Flush) interleaved  v chunks per stage in groups of p micro-batches; needs m mod p =
///   0.
///                Narayanan et al. 2021, arXiv:2104.04473, as Megatron-LM's
///                forward_backward_pipelining_with_interleaving
/// @throws std::invalid_argument for a shape that the schedule cannot run (the job validator says so before).
std::vector<Slot> stage_order(const ScheduleShape& shape, StageId stage);

/// Forward passes that a stage runs before its first backward pass begins.
std::int64_t warm_up_forwards(const ScheduleShape& shape, StageId stage);

/// Most (chunk, micro-batch) pairs of a stage whose forward has run and whose backward has not ended, at any
/// time.
std::int64_t peak_in_flight(const ScheduleShape& shape, StageId stage);

/// The share of the step that the average device idles because of the pipeline, for equal stages and free
/// transfers: (p−1)/(v·m + p−1). Exact for gpipe, 1f1b, and interleaved with m mod p = 0.
double bubble_fraction(const ScheduleShape& shape);

/// Time lost per step to the pipeline, in units of one micro-batch's forward and backward through one stage:
/// (p−1)/v.
double bubble_slots(const ScheduleShape& shape);

}  // namespace foreshard
