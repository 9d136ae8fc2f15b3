#include "planner/search/setting.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

TEST_CASE("what differs is set, in the words of a job file, and nothing else") {
  const JobSpec job = golden_job();
  CHECK(settings_between(job, job).empty());

  JobSpec changed = job;
  changed.cluster.nodes = 2;
  changed.parallelism.zero = 3;
  changed.training.gradient_dtype = DType::bf16;
  changed.training.recompute = Recompute::selective_ops;
  changed.training.micro_batch = 2;
  changed.parallelism.sequence_parallel = true;
  changed.training.schedule = ScheduleKind::interleaved;
  changed.parallelism.dp = 5;
  const std::vector<Setting> expected = {{"cluster.nodes", "2"},
                                         {"parallelism.zero", "3"},
                                         {"training.gradient_dtype", "bf16"},
                                         {"training.recompute", "selective-ops"},
                                         {"training.micro_batch", "2"},
                                         {"parallelism.sequence_parallel", "true"},
                                         {"training.schedule", "interleaved"},
                                         {"parallelism.dp", "5"}};
  CHECK(settings_between(job, changed) == expected);
}

TEST_CASE("stages that were listed and no longer hold are set to even") {
  JobSpec job = golden_job();
  job.parallelism.stage_policy = StagePolicy::listed;
  job.parallelism.stage_layers = {1, 1};
  JobSpec changed = job;
  changed.parallelism.pp = 1;
  changed.parallelism.stage_policy = StagePolicy::even;
  const std::vector<Setting> expected = {{"parallelism.pp", "1"}, {"parallelism.stages", "even"}};
  CHECK(settings_between(job, changed) == expected);
}
