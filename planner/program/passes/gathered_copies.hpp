#pragma once

#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// For frameworks that lay activations out as (sequence, token, hidden) and shard the tokens of each sequence over
/// tp (FrameworkConventions::copies_sequences): collectives exchange whole rows of a buffer, so what was gathered
/// is copied into the order of the tokens, and what will be scattered is first copied into the order of the
/// ranks. Adds these copies, one pass over the whole activation each. A collective that is split into chunks
/// beside its product needs none.
void add_sequence_copies(const JobSpec& job, StepProgram& program);

}  // namespace foreshard
