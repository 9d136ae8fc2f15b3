#pragma once

#include <string>

#include "planner/results/sweep.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The result of `sweep` for people: each variant predicted and measured, and whether the predicted order is
/// correct.
std::string sweep_table(const JobSpec& job, const Sweep& sweep);

}  // namespace foreshard
