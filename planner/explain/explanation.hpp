#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/explain/waterfall.hpp"
#include "planner/explain/worth.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Why a job's step takes as long as it does, and what would shorten it.
struct Explanation {
  Waterfall waterfall;
  HardwareWorth worth;
};

/// @pre `estimate` is the estimate of `job`
Explanation explain(const JobSpec& job, const Estimate& estimate);

}  // namespace foreshard
