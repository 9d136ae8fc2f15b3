#include "planner/score/like_runs.hpp"

#include <stdexcept>

#include "planner/cost/step/error_band.hpp"
#include "planner/score/statistics.hpp"

namespace foreshard {

LikeRuns like_runs(const std::vector<JobSpec>& measured) {
  std::vector<double> deviations;
  for (const JobSpec& job : measured) {
    if (!job.measured || !job.measured->step_time || !job.measured->not_judged.empty()) continue;
    deviations.push_back(*job.measured->step_time / estimate(job).step.time - 1.0);
  }
  if (deviations.empty()) throw std::invalid_argument("no job has a measured step time");
  return {.runs = deviations.size(), .deviation = quantile(deviations, 0.5)};
}

void apply(const LikeRuns& runs, const JobSpec& job, Estimate& estimate) {
  Deviations around = widened(kAroundOwnRuns, width_of(job));
  for (double Deviations::*quantile : {&Deviations::tenth, &Deviations::quarter, &Deviations::median,
                                       &Deviations::three_quarters, &Deviations::nine_tenths})
    around.*quantile = (1.0 + runs.deviation) * (1.0 + around.*quantile) - 1.0;
  set_band(estimate.step, around);
  estimate.step.typical.own_runs = static_cast<std::int64_t>(runs.runs);
  StepFigures corrected = estimate.step;
  corrected.time = corrected.typical.time;
  estimate.training = training_figures(job, corrected);
}

}  // namespace foreshard
