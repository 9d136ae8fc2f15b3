#pragma once

#include "planner/report/record.hpp"
#include "planner/results/validation.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::report {

/// Name, model, devices and degrees of a job that is run.
Fields run_job_fields(const JobSpec& job);

/// The keys are job (run_job_fields), machine, shard, step, operations, waiting, exposed, overhead, memory,
/// numerics, counted, routing and passed; docs/runtime.md describes them.
Fields validation_fields(const JobSpec& job, const Validation& validation);

Record validation_record(const JobSpec& job, const Validation& validation);

}  // namespace foreshard::report
