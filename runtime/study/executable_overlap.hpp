#pragma once

#include <string>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Of what a job would overlap, what the runtime does on GPUs, as the value of its key training.overlap:
/// collectives run beside kernels as a whole, not in pieces beside the product that they feed, and gathers of
/// weights do not run ahead.
std::string executable_overlap(const JobSpec& job);

}  // namespace foreshard
