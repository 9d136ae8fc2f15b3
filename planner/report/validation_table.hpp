#pragma once

#include <string>

#include "planner/results/validation.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// What `validate` answers, for people: what was compared and counted, and each kind of operation predicted
/// and measured. At most 100 columns.
std::string validation_table(const JobSpec& job, const Validation& validation);

}  // namespace foreshard
