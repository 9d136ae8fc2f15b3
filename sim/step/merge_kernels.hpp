#pragma once

#include "sim/step/program_plan.hpp"
#include "sim/step/stage_script.hpp"

namespace foreshard {

/// Merges consecutive kernels into one task where that changes no time on any other lane: the later kernel
/// waits for no other lane, and nothing waits for the end of the earlier one. Kernels of the optimizer are
/// not merged with others, because their times are booked separately.
void merge_kernels(const ProgramPlan& plan, StageScript& script);

}  // namespace foreshard
