#pragma once

#include <span>
#include <vector>

#include "planner/cost/step/stage_play.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// When the stages of a pipeline finish their passes.
struct PipelineTimes {
  std::vector<Seconds> end;       ///< by stage: end of its last pass
  std::vector<Seconds> transfer;  ///< by stage: waits for transfers that were under way, sum over all passes
  std::vector<Seconds>
      lead;  ///< by stage: wait before its first pass, where steps overlap: not in `transfer` then
  [[nodiscard]] Seconds last_end() const;
};

/// Plays each stage's order slot by slot, from the end of its prologue. A pass starts when its stage is free
/// and the neighbour's result that it needs has been delivered. O(stages · chunks · micro-batches).
/// Example: two stages; a forward pass takes 1 s on each and its delivery 0.5 s. The first forward pass of
/// stage 1 starts at 1.5 s; of this wait, 0.5 s count as transfer and 1 s as bubble.
/// @throws std::logic_error if the orders deadlock (check_program reports this earlier)
PipelineTimes play_pipeline(const StepProgram& program, std::span<const StagePlay> stages);

}  // namespace foreshard
