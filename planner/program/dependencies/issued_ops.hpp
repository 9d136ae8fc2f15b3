#pragma once

#include <span>
#include <vector>

#include "planner/program/dependencies/wait_rule.hpp"
#include "planner/program/schedule/runs.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// All operations of a rank's runs in the order in which they are issued where none is issued early
/// (prefetch_blocks): run after run, those of two runs in turns turn by turn (wait_rule.hpp).
std::vector<IssuedOp> issued_ops(const StepProgram& program, std::span<const Run> runs);

}  // namespace foreshard
