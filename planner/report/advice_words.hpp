#pragma once

#include <string>
#include <vector>

#include "planner/results/planned_job.hpp"

namespace foreshard::report {

/// The changes that would make a job fit, one per line with its memory and step time; wrapped and indented.
/// @pre the job does not fit
std::vector<std::string> advice_lines(const PlannedJob& planned);

/// The best change as a sentence: "With parallelism.zero=1 it would fit: 71.8 GiB, step 5.30 s (+0.3%)."
/// Empty if nothing helps.
std::string remedy_sentence(const JobSpec& job, const Advice& advice);

}  // namespace foreshard::report
