#include "planner/results/planned_job.hpp"

#include <utility>

namespace foreshard {

PlannedJob plan_job(JobSpec job) {
  PlannedJob planned{.job = std::move(job), .estimate = {}};
  planned.estimate = estimate(planned.job);
  planned.advice = advise(planned.job, planned.estimate);
  return planned;
}

}  // namespace foreshard
