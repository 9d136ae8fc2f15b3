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
  /// Of zero-bubble-2p: weight passes of stage s follow their backward passes weight_lag · s micro-batches behind. 2 is
  /// the handcrafted ZB-H2.
  std::int64_t weight_lag = 2;
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
/// - zero-bubble-2p: ZB-H2, with twice the activations. 2·(p − stage) − 1 forwards precede the first backward, and
///   weight passes run weight_lag·stage micro-batches after their backward: the same, with the bubble before the first
///   backward filled. Figure 3 of the same paper.
/// - zb-v: two chunks per stage, placed in a V: piece i of the model is chunk 0 of stage i or chunk 1 of stage
///   2·p − 1 − i. Section 6 of the same paper, in the order of PyTorch's ScheduleZBVZeroBubble.
/// - dualpipe-v: the same placement; forwards of one chunk and backwards of the other in turn, weight passes apart only
///   where they fill bubbles. Needs m of 2·p or more. DeepSeek's DualPipeV (github.com/deepseek-ai/DualPipe), in the
///   order of PyTorch's ScheduleDualPipeV.
/// @throws std::invalid_argument for a shape that the schedule cannot run (the validator finds it first)
std::vector<Slot> stage_order(const ScheduleShape& shape, StageId stage);

/// True if the schedule splits backward: weight gradients run in a pass of their own, after the backward pass
/// that computes input gradients.
constexpr bool splits_backward(ScheduleKind kind) {
  return kind == ScheduleKind::zero_bubble || kind == ScheduleKind::zero_bubble_2p ||
         kind == ScheduleKind::zb_v || kind == ScheduleKind::dualpipe_v;
}

/// True if the schedule places two chunks per stage in a V.
constexpr bool runs_in_v(ScheduleKind kind) {
  return kind == ScheduleKind::zb_v || kind == ScheduleKind::dualpipe_v;
}

/// Forward passes that a stage runs before its first backward pass begins.
std::int64_t warm_up_forwards(const ScheduleShape& shape, StageId stage);

/// The largest number of (chunk, micro-batch) pairs that a stage has in flight at any time: their forward has
/// run and their last pass (backward, or the weight pass where backward is split) has not ended. For zero-bubble it is
/// min(m, p) on every stage; of these, no more than with 1f1b still wait for their backward. For zero-bubble-2p it is
/// min(m, 2·p − 1) on every stage with a lag of 2, for zb-v at most 2·p of half a stage's layers, for dualpipe-v 2·p + 1.
std::int64_t peak_in_flight(const ScheduleShape& shape, StageId stage);

/// The fraction of the step for which the average device idles because of the pipeline, if all stages take
/// equally long and transfers take no time: (p−1)/(v·m + p−1), exact for gpipe, 1f1b, and interleaved with
/// m mod p = 0. Where backward is split it is exact if forward, backward and weight passes take equally long:
/// (p−1)/(3·v·m + p−1) for m ≥ p, with zero-bubble-2p and zb-v for m ≥ 2·p − 1. It counts from the start of the
/// first stage to the end of the last: where a step may begin before the one before has ended on all stages
/// (StepProgram::steps_overlap), these p − 1 passes are hidden with zero-bubble-2p and zb-v.
double bubble_fraction(const ScheduleShape& shape);

/// Idle time per step because of the pipeline, in units of the time that one micro-batch's passes take on one
/// stage: (p−1)/v. Where backward is split, with equally long passes: (p−1)/(3·v), and more with few micro-batches.
double bubble_slots(const ScheduleShape& shape);

}  // namespace foreshard
