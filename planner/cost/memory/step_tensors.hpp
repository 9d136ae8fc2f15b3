#pragma once

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/memory/tensor_table.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// Adds every instance of a step tensor that the stage touches, once each, to the memory category of its
/// role.
void add_step_tensors(const StepProgram& program, const TensorTable& tensors, const StageProgram& stage,
                      StageMemory& memory);

}  // namespace foreshard
