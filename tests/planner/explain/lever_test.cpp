#include "planner/explain/lever.hpp"

#include <string>
#include <utility>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/explain/lever_settings.hpp"
#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_jobs.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

Seconds step_with(JobSpec job, Lever lever, double more) {
  job.cluster = with_more(job.cluster, lever, more);
  return estimate(job).step.time;
}

}  // namespace

TEST_CASE("0% more of anything changes nothing") {
  JobDraw draw(3);
  for (int i = 0; i < 20; ++i) {
    const JobSpec job = draw.next();
    const Seconds step = estimate(job).step.time;
    for (const Lever lever : kLevers) {
      if (lever == Lever::node_size || !applies(lever, job.cluster)) continue;
      CAPTURE(i, static_cast<int>(lever));
      CHECK(step_with(job, lever, 0.0) == step);
    }
  }
}

TEST_CASE("more of anything never slows the step beyond rounding") {
  JobDraw draw(4);
  for (int i = 0; i < 60; ++i) {
    const JobSpec job = draw.next();
    const Seconds step = estimate(job).step.time;
    for (const Lever lever : kLevers) {
      if (lever == Lever::node_size || !applies(lever, job.cluster)) continue;
      CAPTURE(i, static_cast<int>(lever));
      CHECK(step_with(job, lever, kMore) <= (1.0 + 1e-9) * step);
    }
  }
}

TEST_CASE("levers scale what they say") {
  ClusterSpec cluster = round_cluster(4);
  cluster.nccl = NcclSpec{.nvls_bandwidth = BytesPerSecond(300e9), .fixed = Seconds(10e-6)};
  cluster.network.link.latency = Seconds(20e-6);
  cluster.accelerator.kernels.launch = Seconds(5e-6);
  CHECK(with_more(cluster, Lever::peak_rate).accelerator.gemm[static_cast<std::size_t>(DType::bf16)]->peak ==
        FlopsPerSecond(1.1e15));
  CHECK(with_more(cluster, Lever::memory_bandwidth).accelerator.memory_bandwidth == BytesPerSecond(1.1e12));
  // 80 GiB and 8 GiB
  CHECK(with_more(cluster, Lever::memory_size).accelerator.memory_capacity == Bytes(std::int64_t{88} << 30));
  const ClusterSpec wide = with_more(cluster, Lever::node_bandwidth);
  CHECK(wide.link.bandwidth == BytesPerSecond(110e9));
  CHECK(wide.nccl->nvls_bandwidth == BytesPerSecond(330e9));
  CHECK(with_more(cluster, Lever::network_bandwidth).network.link.bandwidth == BytesPerSecond(11e9));
  const ClusterSpec quick = with_more(cluster, Lever::latency);
  CHECK(quick.network.link.latency == Seconds(18e-6));
  CHECK(quick.nccl->fixed == Seconds(9e-6));
  CHECK(quick.accelerator.kernels.launch == Seconds(4.5e-6));
  const ClusterSpec large = with_more(cluster, Lever::node_size);
  CHECK(large.devices_per_node == 16);
  CHECK(large.nodes == 2);
}

TEST_CASE("levers that cannot be moved") {
  CHECK_FALSE(applies(Lever::network_bandwidth, round_cluster(1)));
  CHECK_FALSE(applies(Lever::node_size, round_cluster(3)));
  CHECK_FALSE(applies(Lever::node_bandwidth, round_cluster(2, 1)));
  CHECK(applies(Lever::node_size, round_cluster(2)));
}

TEST_CASE("the settings of a lever, read back, give its step") {
  const std::string text =
      "model: llama3-8b\n"
      "cluster: {name: dgx-h100, nodes: 2}\n"
      "parallelism: {tp: 4, zero: 1}\n"
      "training: {sequence_length: 2048, global_batch: 16, micro_batch: 1}\n";
  const JobSpec job = parse_jobs(text, "job.yaml").front();
  for (const Lever lever : kLevers) {
    std::vector<Override> overrides;
    for (const Setting& setting : lever_settings(job, lever))
      overrides.push_back({setting.key, setting.value});
    REQUIRE_FALSE(overrides.empty());
    const JobSpec moved = parse_jobs(text, "job.yaml", overrides).front();
    CAPTURE(static_cast<int>(lever));
    CHECK(estimate(moved).step.time == step_with(job, lever, kMore));
    CHECK(moved.cluster.accelerator.memory_capacity ==
          with_more(job.cluster, lever).accelerator.memory_capacity);
  }
}
