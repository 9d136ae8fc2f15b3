#pragma once

#include <span>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What the passes of one chunk of one stage take.
struct ChunkTimes {
  Seconds forward;
  Seconds backward;
  Seconds weight{};  ///< zero where weight gradients are part of backward
};

/// When the stages of a pipeline are through with their passes.
struct PipelineTimes {
  std::vector<Seconds> end;   ///< of each stage's last pass
  std::vector<Seconds> busy;  ///< each stage's passes, summed
  [[nodiscard]] Seconds last_end() const;
};

/// Follows each stage's order, slot by slot: a pass starts when the stage is free and what it needs of its
/// neighbour has arrived, `transfer` after the neighbour's pass ended. O(stages · chunks · micro-batches);
/// exact for passes that take the same time whatever the micro-batch.
/// @throws std::logic_error where the orders wait for each other (check_program says so before)
PipelineTimes play_pipeline(const StepProgram& program, std::span<const std::vector<ChunkTimes>> times,
                            Seconds transfer);

}  // namespace foreshard
