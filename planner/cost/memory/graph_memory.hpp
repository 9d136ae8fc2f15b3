#pragma once

#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What CUDA graphs of single layers (training.graphs: layer) take on one device, beside the tensors of the step.
struct GraphMemory {
  /// Each graph reads its input where it was captured: a copy of a layer's input for every layer and micro-batch whose
  /// backward pass has not ended. Copies are used again where that has ended. The input itself, which is the output of
  /// the graph before, stays until backward, too.
  Bytes inputs;
  /// Graphs allocate from a pool of their own, of which nothing else can use what is free: at most the temporaries of
  /// one layer.
  Bytes pool_high;
};

/// Nothing for other jobs: a graph of the whole step holds what the step holds, and PyTorch returns cached memory before
/// it captures. Sources: docs/memory.md.
GraphMemory graph_memory(const JobSpec& job, const StepProgram& program);

}  // namespace foreshard
