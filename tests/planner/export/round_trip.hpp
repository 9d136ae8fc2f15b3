#pragma once

#include <string>

#include "planner/cost/step/estimate.hpp"
#include "planner/export/export_job.hpp"
#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/launch_files.hpp"

namespace foreshard::test {

/// The job of a YAML text with one job.
inline JobSpec job_of(const std::string& yaml) { return parse_jobs(yaml, "job.yaml").front(); }

/// Checks that two jobs plan alike: the same time, memory and FLOPs.
inline void check_plans_alike(const JobSpec& job, const JobSpec& again) {
  const Estimate planned = estimate(job);
  const Estimate read = estimate(again);
  CHECK(read.step.time.value() == Approx(planned.step.time.value()).epsilon(1e-12));
  CHECK(read.memory.peak.value() == Approx(planned.memory.peak.value()).epsilon(1e-12));
  CHECK(again.parallelism.dp == job.parallelism.dp);
  CHECK(again.micro_batches() == job.micro_batches());
}

}  // namespace foreshard::test
