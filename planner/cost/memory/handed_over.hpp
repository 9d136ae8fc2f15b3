#pragma once

#include <vector>

#include "planner/cost/memory/memory_trace.hpp"
#include "planner/cost/memory/tensor_table.hpp"
#include "planner/program/slot.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// What the chunks of a stage hand to each other without a transfer: in a V, the last stage's two chunks are neighbours
/// in the model. Each chunk is traced on its own, so that what waits from the end of one pass to the begin of the other
/// is in neither trace.
class HandedOver {
 public:
  HandedOver(const StepProgram& program, const TensorTable& tensors, const StageProgram& stage);

  /// What waits for a pass until it begins.
  [[nodiscard]] LiveBytes before(const Slot& slot) const;
  /// What a pass leaves for the chunk behind it: activations for the next, or gradients for the one before.
  [[nodiscard]] LiveBytes after(const Slot& slot) const;

 private:
  struct Between {
    LiveBytes activations;  ///< from a chunk's forward pass to that of the next chunk
    LiveBytes gradients;    ///< from the next chunk's backward pass to that of the chunk
  };
  std::vector<Between> between_;  // by the first of two chunks
};

}  // namespace foreshard
