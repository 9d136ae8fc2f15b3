#pragma once

#include <string>

#include "planner/results/validation.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The result of `validate` for people: what was compared and counted, and the predicted and measured time of
/// each kind of operation. At most 100 columns.
std::string validation_table(const JobSpec& job, const Validation& validation);

}  // namespace foreshard
