#pragma once

#include <span>
#include <vector>

#include "planner/cost/step/stage_play.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// When the stages of a pipeline are through with their passes.
struct PipelineTimes {
  std::vector<Seconds> end;       ///< of each stage's last pass
  std::vector<Seconds> transfer;  ///< that each stage waits for what is on its way, all passes together
  [[nodiscard]] Seconds last_end() const;
};

/// Follows each stage's order, slot by slot, from the end of its prologue: a pass starts when the stage is free and what
/// it needs of its neighbour has been delivered. O(stages · chunks · micro-batches).
/// @throws std::logic_error where the orders wait for each other (check_program says so before)
PipelineTimes play_pipeline(const StepProgram& program, std::span<const StagePlay> stages);

}  // namespace foreshard
