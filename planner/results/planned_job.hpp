#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/search/remedy.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// A job and what `plan` answers about it: what every report is written from.
struct PlannedJob {
  JobSpec job;
  Estimate estimate;
  Advice advice{};  ///< where it does not fit
};

/// Plans a job, and what would make it fit if it does not. @pre `job` is legal
PlannedJob plan_job(JobSpec job);

}  // namespace foreshard
