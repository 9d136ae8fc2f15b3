#pragma once

#include "planner/report/record.hpp"
#include "planner/results/sweep.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::report {

/// `job`; `variants`, a row each: those of validation_record, or {tp, pp, dp, why_not} and `job`; and `same_order`.
Record sweep_record(const JobSpec& job, const Sweep& sweep);

}  // namespace foreshard::report
