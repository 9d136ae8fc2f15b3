#pragma once

#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Emits the passes of one micro-batch alone, as if one stage had the whole model in one chunk: the blocks of all kinds of
/// layers, of the embedding and of the head, and their calls in the order of the forward, backward and weight pass. These
/// blocks are those of the job's step program, however it puts layers on stages. There are no transfers, no order, and
/// nothing before and after the micro-batches, which take most of the time of build_step_program.
/// @pre the job is legal, its recomputation does not depend on the layer, and it keeps nothing in the host's memory
StepProgram build_pass_program(const JobSpec& job);

}  // namespace foreshard
