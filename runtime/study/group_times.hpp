#pragma once

#include <vector>

#include "planner/cost/step/lane_player.hpp"
#include "planner/program/op_groups.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// What each group's operations take in one step on a rank of this stage. By index of the groups.
std::vector<Seconds> group_times(const StepProgram& program, const OpGroups& groups, const OpTimes& times,
                                 StageId stage);

}  // namespace foreshard
