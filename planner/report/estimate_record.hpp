#pragma once

#include <span>

#include "planner/report/record.hpp"
#include "planner/results/planned_job.hpp"

namespace foreshard::report {

/// One object for each job. The keys are a stable interface (estimate_fields.hpp).
Record estimate_record(std::span<const PlannedJob> jobs);

}  // namespace foreshard::report
