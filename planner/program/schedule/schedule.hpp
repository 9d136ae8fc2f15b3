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
  /// Of 1f1b and interleaved: in the phase in which forward and backward passes alternate, each backward pass is
  /// issued in turns with the forward pass before it. One more forward pass precedes that phase, so that no stage's
  /// backward pass needs the forward pass beside it (Megatron-LM, get_pp_rank_microbatches and
  /// combined_1f1b_schedule_for_no_pipelining).
  bool in_turns = false;
};

/// The order in which one stage runs its passes. Every (chunk, micro-batch) runs each pass once.
/// - gpipe: all forwards, then all backwards. Huang et al. 2019, arXiv:1811.06965.
/// - 1f1b: p−1−stage warm-up forwards, then one forward and one backward in turn. Narayanan et al. 2019
///   (PipeDream-Flush).
/// - interleaved: v chunks per stage in groups of p micro-batches; needs m mod p = 0. Narayanan et al. 2021,
///   arXiv:2104.04473, as Megatron-LM's forward_backward_pipelining_with_interleaving.
/// - zero-bubble: ZB-H1. Forwards and backwards in the order of 1f1b, but backward computes input gradients
///   only. The weight pass of a micro-batch runs `stage` micro-batches after its backward; the remaining
///   weight passes run at the end. Needs p of 2 or more, v = 1. Qi et al. 2024, arXiv:2401.10241, figure 3.
/// @throws std::invalid_argument for a shape that the schedule cannot run (the validator finds it first)
std::vector<Slot> stage_order(const ScheduleShape& shape, StageId stage);

/// True if the schedule splits backward: weight gradients run in a pass of their own, after the backward pass
/// that computes input gradients.
constexpr bool splits_backward(ScheduleKind kind) { return kind == ScheduleKind::zero_bubble; }

/// Forward passes that a stage runs before its first backward pass begins.
std::int64_t warm_up_forwards(const ScheduleShape& shape, StageId stage);

/// The largest number of (chunk, micro-batch) pairs that a stage has in flight at any time: their forward has
/// run and their last pass (backward; for zero-bubble the weight pass) has not ended. For zero-bubble it is
/// min(m, p) on every stage; of these, no more than with 1f1b still wait for their backward.
std::int64_t peak_in_flight(const ScheduleShape& shape, StageId stage);

/// The fraction of the step for which the average device idles because of the pipeline, if all stages take
/// equally long and transfers take no time: (p−1)/(v·m + p−1), exact for gpipe, 1f1b, and interleaved with
/// m mod p = 0. For zero-bubble it is exact if forward, backward and weight passes take equally long:
/// (p−1)/(3·m + p−1) for m ≥ p.
double bubble_fraction(const ScheduleShape& shape);

/// Idle time per step because of the pipeline, in units of the time that one micro-batch's passes take on one
/// stage: (p−1)/v. For zero-bubble with equally long passes it is max(p−1, 2·p−1−m)/3.
double bubble_slots(const ScheduleShape& shape);

}  // namespace foreshard
