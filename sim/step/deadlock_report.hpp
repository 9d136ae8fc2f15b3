#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "planner/program/step_program.hpp"
#include "sim/engine/engine.hpp"
#include "sim/step/program_plan.hpp"
#include "sim/step/rank_layout.hpp"
#include "sim/step/stage_script.hpp"

namespace foreshard {

/// A step that cannot be run to its end: nothing is running, nothing can start, and operations are left. The
/// message says for each lane that is stuck which operation stands first, and for what it waits.
class Deadlock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Who waits for whom, one line per stuck lane:
///   stage 1: "receive" of "receive forward" (layer 1, micro-batch 2) waits for send 3 of stage 0, which
///   never comes
/// Of many lanes the first few.
std::string deadlock_report(const StepProgram& program, const ProgramPlan& plan,
                            const std::vector<ScriptWriter>& scripts, const RankLayout& layout,
                            const Engine& engine);

}  // namespace foreshard
