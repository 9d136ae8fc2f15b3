#pragma once

#include "sim/step/program_plan.hpp"
#include "sim/step/stage_script.hpp"

namespace foreshard {

/// Makes one task of kernels in a row where no other lane can tell: the later one waits for nothing else, and
/// nothing waits for the end of the earlier one. Optimizer and other kernels do not mix, for their times are
/// booked apart.
void merge_kernels(const ProgramPlan& plan, StageScript& script);

}  // namespace foreshard
