#pragma once

#include <cstdint>

#include "planner/program/build/emit_layers.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// By how many micro-batches per stage the weight passes of zero-bubble-2p follow their backward passes
/// (ScheduleShape::weight_lag).
///
/// The last stage's final backward pass needs (p − 1) further backward passes, and its first forward pass came after
/// (p − 1) others. Stage s has s of either less than stage 0 to wait for: s·(F + B) of time, in which it runs weight
/// passes of W each. So s·(F + B)/W of them must be left. Two are allowed by the memory of 2·p micro-batches if a pair
/// that waits for its weight pass keeps as much (M_W) as one that waits for its backward pass (M_B), and 2·M_B/M_W else:
///   lag = min(⌈(F + B)/W⌉, ⌊2·M_B/M_W⌋), and at least the 2 of ZB-H2
/// On the authors' nine jobs of 8 and 16 stages its bubbles are those of the order that their search finds (Qi et al. 2024,
/// table 5; sail-sg/zero-bubble-pipeline-parallelism, branch arxiv, efficiency.py): schedule_test.cpp.
///
/// F, B, W are those of a layer at the accelerator's sustained rate of products and its memory's bandwidth: more is not
/// known of a job before its program is priced, and the lag is a whole number.
/// @param layer  the passes of one of the model's layers
std::int64_t weight_lag(const JobSpec& job, const StepProgram& program, const PassBlocks& layer);

}  // namespace foreshard
