#pragma once

#include <span>

#include "planner/report/record.hpp"
#include "planner/results/planned_job.hpp"

namespace foreshard::report {

/// An object for each job. Their keys are a contract (estimate_fields.hpp).
Record estimate_record(std::span<const PlannedJob> jobs);

}  // namespace foreshard::report
