// Passes whose exchanges of experts' tokens are issued in turns (training.overlap.ep: 1f1b): the same sums, in another
// order of operations.
#include "tests/runtime/verify/late_communicator.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

/// 8 experts, 2 per token, and one shared expert. The first layer is dense, so that some pairs of layers have the
/// exchanges of one pass only. With stages, each has two chunks.
JobSpec turns_job(const Degrees& degrees, bool delay_wgrad) {
  JobSpec job = sharded(tiny_job(false), degrees);
  job.model.experts =
      ExpertsSpec{.count = 8, .per_token = 2, .hidden = 12, .shared_hidden = 16, .dense_layers = 1};
  job.model.experts->imbalance = static_cast<double>(degrees.ep);  // memory for all tokens on one rank
  job.training.overlap.ep = EpOverlap::in_turns;
  job.training.delay_wgrad = delay_wgrad;
  if (degrees.pp > 1) {
    job.training.schedule = ScheduleKind::interleaved;
    job.parallelism.vp = 2;
  }
  return job;
}

std::vector<Degrees> turns_degrees(std::int64_t devices) {
  switch (devices) {
    case 2:
      return {{.dp = 2, .ep = 2},
              {.dp = 2, .zero = 2, .ep = 2},
              {.tp = 2, .sequence_parallel = true, .ep = 2, .etp = 1},
              {.cp = 2, .ep = 2}};
    case 4:
      return {{.tp = 2, .dp = 2, .sequence_parallel = true, .zero = 1, .ep = 4, .etp = 1},
              {.tp = 2, .dp = 2, .sequence_parallel = true, .ep = 2},
              {.pp = 2, .dp = 2, .ep = 2},
              {.tp = 2, .pp = 2, .sequence_parallel = true, .ep = 2, .etp = 1}};
    case 8:
      return {{.tp = 2, .pp = 2, .dp = 2, .sequence_parallel = true, .zero = 1, .ep = 4, .etp = 1},
              {.tp = 2, .dp = 4, .sequence_parallel = true, .zero = 1, .ep = 4}};
    default: return {{}};
  }
}

TEST_CASE("passes in turns compute what one device computes, and everything is counted as planned") {
  bool delay_wgrad = false;
  for (const Degrees& degrees : turns_degrees(mpi_session().size())) {
    CAPTURE(degrees.name(), delay_wgrad);
    const JobSpec job = turns_job(degrees, delay_wgrad);
    check_equals_unsharded(job);
    check_fast_kernels(job);
    check_counted_as_planned(job);
    delay_wgrad = !delay_wgrad;
  }
}

TEST_CASE("passes in turns: recomputed operations, experts without shared ones") {
  JobSpec job = turns_job(turns_degrees(mpi_session().size()).back(), true);
  job.training.recompute = Recompute::selective_ops;
  job.model.experts->shared_hidden = 0;
  job.model.experts->dense_layers = 0;
  check_equals_unsharded(job);
  check_counted_as_planned(job);
}

TEST_CASE("exchanges that arrive as late as possible change nothing") {
  if (mpi_session().size() == 1) return;
  for (const EpOverlap overlap : {EpOverlap::shared, EpOverlap::in_turns}) {
    const std::vector<Degrees> all = turns_degrees(mpi_session().size());
    for (const Degrees& degrees : {all.front(), all[all.size() / 2]}) {
      CAPTURE(degrees.name(), static_cast<int>(overlap));
      JobSpec job = turns_job(degrees, overlap == EpOverlap::in_turns);
      job.training.overlap.ep = overlap;
      job.cluster.accelerator.is_cpu = false;  // on processors exchanges would block
      ReferenceDevice device;
      MpiCommunicator mpi(mpi_session(), DeviceMesh(job.parallelism));
      LateCommunicator late(mpi);
      CountingCommunicator communicator(late);
      check_agreement(compare_with_unsharded(job, device, communicator, 2));
      CHECK(late.late() > 0);
    }
  }
}

}  // namespace
}  // namespace foreshard::test
