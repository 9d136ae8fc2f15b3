#pragma once

#include <string>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The part of the job's overlap that the runtime executes on GPUs, as a value of the key training.overlap.
/// The runtime runs whole collectives asynchronously; it does not split them into pieces that overlap with
/// the product that feeds them, and it does not prefetch gathers of weights.
std::string executable_overlap(const JobSpec& job);

}  // namespace foreshard
