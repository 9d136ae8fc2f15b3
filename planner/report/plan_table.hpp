#pragma once

#include <string>

#include "planner/results/planned_job.hpp"

namespace foreshard {

/// What `plan` answers, for people: the job, the verdict in words, where the step goes and what limits it,
/// memory, one layer, parameters, communication, notes. No line is wider than 100 columns; UTF-8, no colour;
/// ends with a newline. The same job gives the same text.
std::string plan_table(const PlannedJob& planned);

}  // namespace foreshard
