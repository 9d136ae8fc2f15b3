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

/// Thrown for a step that cannot be run to its end: nothing is running, nothing can start, and operations are
/// left. The message gives for each stuck lane its next operation and what that waits for.
class Deadlock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Describes a deadlock: who waits for whom, one line per stuck lane:
///   stage 1: "receive" of "receive forward" (layer 1, micro-batch 2) waits for send 3 of stage 0, which
///   never comes
/// If many lanes are stuck, only the first few are listed.
std::string deadlock_report(const StepProgram& program, const ProgramPlan& plan,
                            const std::vector<ScriptWriter>& scripts, const RankLayout& layout,
                            const Engine& engine);

}  // namespace foreshard
