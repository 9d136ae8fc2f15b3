#pragma once

#include <string>
#include <vector>

#include "planner/explain/explanation.hpp"
#include "planner/results/planned_job.hpp"
#include "planner/results/simulated_job.hpp"

namespace foreshard {

/// The result of `explain` for one job.
struct ExplainedJob {
  PlannedJob planned;
  Explanation why;
  std::vector<PathPart> path;  ///< the critical path of the simulated step, most time first
  Seconds path_time;           ///< of the whole path: the simulated step
  std::string arguments;       ///< the job as the command line names it: "my-job.yaml --tp 4"
};

}  // namespace foreshard
