#pragma once

#include <vector>

#include "planner/cost/step/lane_player.hpp"
#include "planner/program/op_groups.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// The time of each group's operations in one step on a rank of this stage; by index of the groups.
std::vector<Seconds> group_times(const StepProgram& program, const OpGroups& groups, const OpTimes& times,
                                 StageId stage);

}  // namespace foreshard
