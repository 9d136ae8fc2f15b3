#pragma once

#include <cstdint>
#include <vector>

#include "planner/program/slot.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// The sizes that a pipeline schedule depends on.
struct ScheduleShape {
  ScheduleKind kind = ScheduleKind::one_f_one_b;
  std::int64_t stages = 1;         ///< p
  std::int64_t chunks = 1;         ///< v, per stage
  std::int64_t micro_batches = 1;  ///< m
};

/// The order in which one stage runs its passes; every (chunk, micro-batch) once each.
/// - gpipe: all forwards, then all backwards. Huang et al. 2019, arXiv:1811.06965.
/// - 1f1b: p−1−stage warm-up forwards, then one forward, one backward. Narayanan et al. 2019
/// (PipeDream-Flush).
/// - interleaved: v chunks per stage in groups of p micro-batches; needs m mod p = 0. Narayanan et al. 2021,
///   arXiv:2104.04473, as Megatron-LM's forward_backward_pipelining_with_interleaving.
/// - zero-bubble: ZB-H1. Forwards and backwards as 1f1b; backward makes input gradients alone, and the weight
///   passes follow `stage` micro-batches behind, the last of them at the end. Needs p of 2 or more, v = 1.
///   Qi et al. 2024, arXiv:2401.10241, figure 3.
/// @throws std::invalid_argument for a shape that the schedule cannot run (the job validator says so before).
std::vector<Slot> stage_order(const ScheduleShape& shape, StageId stage);

/// True where the gradients of weights have a pass of their own, behind that of the inputs.
constexpr bool splits_backward(ScheduleKind kind) { return kind == ScheduleKind::zero_bubble; }

/// Forward passes that a stage runs before its first backward pass begins.
std::int64_t warm_up_forwards(const ScheduleShape& shape, StageId stage);

/// Most (chunk, micro-batch) pairs of a stage whose forward has run and whose last pass (backward, or the
/// weight pass of zero-bubble) has not ended, at any time. With zero-bubble min(m, p) on every stage, of
/// which no more than with 1f1b still wait for their backward.
std::int64_t peak_in_flight(const ScheduleShape& shape, StageId stage);

/// The share of the step that the average device idles because of the pipeline, for equal stages and free
/// transfers: (p−1)/(v·m + p−1), exact for gpipe, 1f1b, and interleaved with m mod p = 0. For zero-bubble
/// that of forward, backward and weight passes that take equally long, exact: (p−1)/(3·m + p−1) where m ≥ p.
double bubble_fraction(const ScheduleShape& shape);

/// Time lost per step to the pipeline, in units of one micro-batch's passes through one stage: (p−1)/v. For
/// zero-bubble of equal passes max(p−1, 2·p−1−m)/3.
double bubble_slots(const ScheduleShape& shape);

}  // namespace foreshard
