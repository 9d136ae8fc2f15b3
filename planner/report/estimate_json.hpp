#pragma once

#include <span>
#include <string>

#include "planner/report/planned_job.hpp"

namespace foreshard {

/// The machine-readable result: one object for one job, an array otherwise, ending with a newline. Its keys
/// are a contract (estimate_fields.hpp). Whole numbers are exact up to 2^53 and doubles above; doubles read
/// back to the same value; null stands where the job does not say.
std::string estimate_json(std::span<const PlannedJob> jobs);

}  // namespace foreshard
