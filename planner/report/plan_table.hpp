#pragma once

#include <string>

#include "planner/results/planned_job.hpp"

namespace foreshard {

/// The result of `plan` for people: the job, the verdict in words, the step time by cause and what limits it,
/// memory, one layer, parameters, communication, notes. No line is wider than 100 columns; UTF-8, no colour;
/// ends with a newline. The same job gives the same text.
std::string plan_table(const PlannedJob& planned);

}  // namespace foreshard
