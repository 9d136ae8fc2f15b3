#pragma once

#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Marks the operations after which the framework's host waits for the device (Op::host_awaits):
///   dispatch       the host reads how many tokens each expert gets, which sets the sizes of what follows. For an
///                  all-to-all it issues the copy of the rows into their experts' order meanwhile
///   top-k          the same for dispatchers that bring the rows into their order themselves
///   transfers      where transfers between stages do not overlap, some frameworks synchronise after each
///   loss           the host checks that the loss of each micro-batch is a number
///   gradient norm  the host reads the norm to decide whether and how the optimizer steps
/// A CUDA graph of the whole step leaves all of these but the norm on the device. Sources:
/// docs/frameworks.md.
void add_host_waits(const JobSpec& job, StepProgram& program);

}  // namespace foreshard
