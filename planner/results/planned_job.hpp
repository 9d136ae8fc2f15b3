#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/search/remedy.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The result of `plan`: a job, its estimate, and advice. Every report is written from it.
struct PlannedJob {
  JobSpec job;
  Estimate estimate;
  Advice advice{};  ///< only if the job does not fit
};

/// Plans a job; if it does not fit, also searches remedies. @pre `job` is legal
PlannedJob plan_job(JobSpec job);

}  // namespace foreshard
