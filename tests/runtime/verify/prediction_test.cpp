// Multi-token prediction: modules after the last layer, which read and predict tokens further on.
#include "planner/spec/types/layer_pattern.hpp"
#include "runtime/comm/loopback_communicator.hpp"
#include "runtime/shard/mtp_modules.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

JobSpec predicting(const Degrees& degrees, std::int64_t modules, bool gpt = false) {
  JobSpec job = sharded(tiny_job(gpt), degrees);
  if (degrees.devices() > 1) job.training.global_batch = 8;
  job.model.mtp = MtpSpec{.modules = modules};
  return job;
}

std::vector<Degrees> all_degrees(std::int64_t devices) {
  std::vector<Degrees> all = degrees_of(devices);
  if (devices == 2) all.push_back({.cp = 2});
  if (devices == 4) all.push_back({.tp = 2, .sequence_parallel = true, .cp = 2});
  return all;
}

void check(const JobSpec& job) {
  check_equals_unsharded(job);
  check_counted_as_planned(job);
  check_fast_kernels(job);
}

TEST_CASE("modules of multi-token prediction compute what one device computes") {
  for (const std::int64_t modules : {1, 2}) {
    for (const Degrees& degrees : all_degrees(mpi_session().size())) {
      CAPTURE(modules, degrees.name());
      check(predicting(degrees, modules, modules == 2));
    }
  }
}

TEST_CASE("multi-token prediction with tied tables, layers of its own, experts, ZeRO and recomputation") {
  const std::int64_t ranks = mpi_session().size();
  JobSpec job = predicting({.pp = ranks}, 1);
  SECTION("tied tables") { job.model.tied_embeddings = true; }
  SECTION("full recomputation") { job.training.recompute = Recompute::full; }
  SECTION("a schedule that splits backward") {
    if (ranks > 1) job.training.schedule = ScheduleKind::zero_bubble;
  }
  SECTION("ZeRO-2") { job = predicting({.dp = ranks, .zero = ranks > 1 ? 2 : 0}, 1); }
  SECTION("ZeRO-3") { job = predicting({.dp = ranks, .zero = ranks > 1 ? 3 : 0}, 1); }
  SECTION("layers with windows and experts") {
    job = predicting({.dp = ranks, .ep = ranks > 1 ? 2 : 1}, 1);
    job.model.experts = ExpertsSpec{.count = 4, .per_token = 2, .hidden = 12, .imbalance = 2.0};
    SoftmaxAttention local = std::get<SoftmaxAttention>(usual_mixer(job.model));
    local.window = 3;
    job.model.layer_kinds = {{.name = "full", .mixer = usual_mixer(job.model), .ffn = FeedForward::dense},
                             {.name = "local", .mixer = local, .ffn = FeedForward::experts}};
    job.model.pattern = {0, 1};
    job.model.mtp->pattern = {1, 0};
  }
  check(job);
}

TEST_CASE("the losses of modules are added with their weight") {
  const auto loss_of = [](std::int64_t modules) {
    JobSpec job = predicting({}, 1);
    job.model.mtp = std::nullopt;
    if (modules > 0) job.model.mtp = MtpSpec{.modules = modules};
    ReferenceDevice device;
    LoopbackCommunicator alone;
    return compare_with_unsharded(job, device, alone, 1).unsharded_loss;
  };
  // Random weights predict nothing: every loss is near ln 30 = 3.40, so modules add near a tenth of it together.
  const double alone = loss_of(0);
  CHECK(loss_of(1) - alone == Approx(kMtpLossWeight * alone).epsilon(0.2));
  CHECK(loss_of(2) - alone == Approx(kMtpLossWeight * alone).epsilon(0.2));
}

}  // namespace
}  // namespace foreshard::test
