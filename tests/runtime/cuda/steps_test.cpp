// Whole steps on the GPU's device: sharded steps equal unsharded ones, for all features of models and all
// parallelisms. Ranks communicate through the host's memory, because several ranks share one GPU.
#include <cstdio>
#include <memory>

#include "planner/spec/types/layer_pattern.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/comm/staged_communicator.hpp"
#include "runtime/device/cuda/cuda_device.hpp"
#include "runtime/execute/runtime_limits.hpp"
#include "runtime/verify/sharding_check.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

namespace foreshard::test {
namespace {

/// If there is no GPU, prints so once: ctest then counts the test as skipped.
bool has_gpu() {
  static const bool has = [] {
    int count = 0;
    const bool found = cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
    if (!found) std::printf("skipped: no GPU to test on\n");
    return found;
  }();
  return has;
}

void check_on_gpu(JobSpec job) {
  if (!has_gpu()) return;
  job.cluster.accelerator.is_cpu = false;
  for (const Precision precision : kFastPrecisions) {
    CAPTURE(static_cast<int>(precision));
    job.training.precision = precision;
    const std::vector<std::string> lacks = what_the_runtime_lacks(job);
    REQUIRE((lacks.empty() ? "" : lacks.front()) == std::string());
    CudaDevice device(0);
    StagedCommunicator communicator(
        std::make_unique<MpiCommunicator>(mpi_session(), DeviceMesh(job.parallelism)), device);
    const ShardingErrors errors = compare_with_unsharded(job, device, communicator, 1);
    CAPTURE(errors.worst_gradient);
    CHECK(errors.loss <= outputs_bound(job));
    CHECK(errors.outputs <= outputs_bound(job));
    // In bf16 single gradients of so small a model are sums over few tokens that nearly cancel.
    if (precision == Precision::fp32) CHECK(errors.gradients <= gradients_bound(job));
    CHECK(errors.gradients_compared > 0);
  }
}

/// As few micro-batches as the stages need, because the emulation is slow.
JobSpec small_job(const Degrees& degrees, bool gpt = false) {
  JobSpec job = sharded(tiny_job(gpt), degrees);
  job.training.global_batch = 4 * degrees.dp * degrees.pp;
  return job;
}

TEST_CASE("dense models") {
  switch (mpi_session().size()) {
    case 1: check_on_gpu(small_job({})); return check_on_gpu(small_job({}, true));
    case 2:
      check_on_gpu(small_job({.tp = 2, .sequence_parallel = true}));
      return check_on_gpu(small_job({.pp = 2}, true));
    case 3: return check_on_gpu(small_job({.pp = 3}));
    default:
      check_on_gpu(small_job({.tp = 2, .pp = 2}));
      check_on_gpu(small_job({.tp = 2, .dp = 2, .zero = 1}));
  }
}

TEST_CASE("norms of queries and keys, context parallelism") {
  const std::int64_t ranks = mpi_session().size();
  if (ranks == 3) return;
  JobSpec job = small_job(ranks == 1 ? Degrees{} : Degrees{.tp = ranks / 2, .cp = 2});
  job.model.qk_norm = true;
  check_on_gpu(job);
  if (ranks == 1) return;
  job.parallelism.cp_style = ranks == 2 ? CpStyle::ulysses : CpStyle::all_gather;
  check_on_gpu(job);
  job.model.head_dim = 8;  // which libraries take in bf16
  check_on_gpu(job);
  if (job.parallelism.tp > 1) return;
  job.model.qk_norm_whole = true;
  check_on_gpu(job);
}

TEST_CASE("experts") {
  const std::int64_t ranks = mpi_session().size();
  if (ranks == 3) return;
  JobSpec job = small_job({.dp = ranks, .ep = ranks});
  job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 12, .shared_hidden = 16};
  job.model.experts->imbalance = static_cast<double>(ranks);  // memory for the worst case
  check_on_gpu(job);
  job.model.biases = Biases::all;  // of experts, too
  check_on_gpu(job);
}

TEST_CASE("latent attention") {
  if (mpi_session().size() == 3) return;
  JobSpec job = small_job({.tp = mpi_session().size()});
  job.model.mla =
      MlaSpec{.q_rank = 12, .kv_rank = 8, .nope_head_dim = 6, .rope_head_dim = 4, .v_head_dim = 5};
  check_on_gpu(job);
  job.model.mla =
      MlaSpec{.q_rank = 12, .kv_rank = 8, .nope_head_dim = 16, .rope_head_dim = 8, .v_head_dim = 16};
  check_on_gpu(job);
}

TEST_CASE("patterns of layers with windows, chunks and sinks; gates, parallel FFN, multi-token prediction") {
  const std::int64_t ranks = mpi_session().size();
  if (ranks == 3) return;
  JobSpec job = small_job(ranks == 1 ? Degrees{} : Degrees{.tp = ranks / 2, .cp = 2});
  job.model.head_dim = 8;  // which libraries take in bf16
  job.model.attention_sinks = true;
  job.model.attention_options.gate = OutputGate::headwise;
  job.model.parallel_residual = true;
  job.model.mtp = MtpSpec{.modules = 1};
  SoftmaxAttention local = std::get<SoftmaxAttention>(usual_mixer(job.model));
  local.window = 3;
  SoftmaxAttention chunked = local;
  chunked.window = std::nullopt;
  chunked.options.chunk = 5;
  chunked.options.gate = OutputGate::elementwise;
  job.model.layer_kinds = {{.name = "local", .mixer = local},
                           {.name = "chunked", .mixer = chunked},
                           {.name = "full", .mixer = usual_mixer(job.model)}};
  job.model.pattern = {0, 1, 2};
  check_on_gpu(job);
}

TEST_CASE("schedules and tied embeddings") {
  const std::int64_t ranks = mpi_session().size();
  if (ranks % 2 != 0) return;
  JobSpec job = small_job({.pp = 2, .dp = ranks / 2});
  job.model.tied_embeddings = true;
  check_on_gpu(job);
  for (const ScheduleKind schedule : {ScheduleKind::gpipe, ScheduleKind::zero_bubble}) {
    job.training.schedule = schedule;
    check_on_gpu(job);
  }
  job.model.tied_embeddings = false;
  job.training.schedule = ScheduleKind::interleaved;
  job.parallelism.vp = 2;
  check_on_gpu(job);
}

TEST_CASE("ZeRO: sharded gradients and weights") {
  const std::int64_t ranks = mpi_session().size();
  if (ranks == 1) return;
  // With three ranks the shares are not equal.
  const Degrees degrees = ranks == 3 ? Degrees{.dp = 3} : Degrees{.tp = ranks / 2, .dp = 2};
  for (const int zero : {1, 2, 3}) {
    CAPTURE(zero);
    JobSpec job = small_job(degrees);
    job.parallelism.zero = zero;
    check_on_gpu(job);
  }
}

}  // namespace
}  // namespace foreshard::test
