#include "planner/cost/memory/memory_band.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr Bytes mebibytes(std::int64_t count) { return Bytes(count << 20); }

}  // namespace

TEST_CASE("verdicts by where the capacity lies in the band") {
  const auto verdict = [](std::int64_t capacity) {
    return memory_verdict(Bytes(60), Bytes(50), Bytes(70), Bytes(capacity));
  };
  CHECK(verdict(70) == MemoryVerdict::fits);
  CHECK(verdict(69) == MemoryVerdict::likely_fits);
  CHECK(verdict(60) == MemoryVerdict::likely_fits);
  CHECK(verdict(59) == MemoryVerdict::tight);
  CHECK(verdict(50) == MemoryVerdict::tight);
  CHECK(verdict(49) == MemoryVerdict::does_not_fit);
}

TEST_CASE("the band of one GPU alone: workspace, the allocator's waste, a context") {
  JobSpec job;
  job.framework = Framework::megatron;
  job.cluster = round_cluster(1, 1);
  const MemoryBand band = memory_band(job, mebibytes(10'000));
  // cuBLAS's and Transformer Engine's: the accelerator has fp8 units.
  CHECK(band.workspace == mebibytes(64 + 32));
  CHECK(band.reserved_low == mebibytes(10'100));
  CHECK(band.reserved_high.as_double() == Approx(1.15 * 10'096 * (1 << 20)));
  CHECK(band.context_low == mebibytes(400));
  CHECK(band.context_high == mebibytes(1331));  // the framework's usual context is more than 900 MiB
}

TEST_CASE("without expandable segments 15% of what is reserved is lost, at most 33%") {
  JobSpec job;
  job.framework = Framework::torch_fsdp;
  job.cluster = round_cluster(1, 1);
  CHECK(usual_fragmentation(job) == framework_conventions(Framework::torch_fsdp).fragmentation);
  job.training.expandable_segments = false;
  // 85 allocated of 100 reserved; at worst 67, of what is allocated with the libraries' 64 MiB.
  CHECK(usual_fragmentation(job) == Approx(15.0 / 85.0));
  CHECK(memory_band(job, mebibytes(670)).reserved_high.as_double() ==
        Approx((670.0 + 64.0) / 0.67 * (1 << 20)).epsilon(1e-9));
}

TEST_CASE("communicators widen the band") {
  JobSpec job;
  job.framework = Framework::megatron;
  job.cluster = round_cluster(1, 8);
  job.parallelism.dp = 8;
  const MemoryBand band = memory_band(job, mebibytes(10'000));
  // One group: 8 channels of a ring, or 32 of a ring and two trees, 12 MiB for each connection.
  CHECK(band.context_low == mebibytes(400 + 8 * 12));
  // In the node's switches: 16 channels, 8 ranks, two buffers of 1 MiB.
  CHECK(band.context_high == mebibytes(900 + 32 * 3 * 12 + 16 * 8 * 2));
}

TEST_CASE("a CPU has no context and no communicators' buffers") {
  JobSpec job;
  job.cluster = round_cluster(1, 1);
  job.cluster.accelerator.is_cpu = true;
  const MemoryBand band = memory_band(job, mebibytes(100));
  CHECK(band.workspace == Bytes(0));
  CHECK(band.reserved_low == mebibytes(100));
  CHECK(band.reserved_high == mebibytes(102));
  CHECK(band.context_high == Bytes(0));
}
