#pragma once

#include "planner/report/record.hpp"
#include "planner/results/sweep.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::report {

/// The keys are `job`; `variants`, a row each, with the keys of validation_record, or {tp, pp, dp, why_not}
/// and `job`; and `same_order`.
Record sweep_record(const JobSpec& job, const Sweep& sweep);

}  // namespace foreshard::report
