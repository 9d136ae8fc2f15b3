#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/spec/job/job_spec.hpp"

namespace foreshard {

/// A job and what `plan` answers about it: what every report is written from.
struct PlannedJob {
  JobSpec job;
  Estimate estimate;
};

}  // namespace foreshard
