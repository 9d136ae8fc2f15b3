// Interleaved and zero-bubble pipelines, and those in a V, compute the same sums in another order.
#include "planner/program/schedule/schedule.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

/// Eight layers, so that each of two chunks of four stages has one layer.
JobSpec scheduled_job(const Degrees& degrees, ScheduleKind schedule, bool gpt = false) {
  JobSpec job = sharded(tiny_job(gpt), degrees);
  job.training.schedule = schedule;
  if (schedule == ScheduleKind::interleaved || runs_in_v(schedule)) {
    job.model.layers = 8;
    job.parallelism.vp = 2;
  }
  // Enough micro-batches that every step of the order comes up.
  if (schedule != ScheduleKind::interleaved && schedule != ScheduleKind::zero_bubble)
    job.training.global_batch = (2 * degrees.pp + 1) * degrees.dp * job.training.micro_batch;
  return job;
}

constexpr ScheduleKind kSchedules[] = {ScheduleKind::interleaved, ScheduleKind::zero_bubble,
                                       ScheduleKind::zero_bubble_2p, ScheduleKind::zb_v,
                                       ScheduleKind::dualpipe_v};

/// All degrees for the first two schedules; for the others, which have the same passes in another order, a few.
std::vector<Degrees> pipelines(std::int64_t devices, ScheduleKind schedule) {
  const bool is_new_order = schedule != ScheduleKind::interleaved && schedule != ScheduleKind::zero_bubble;
  if (is_new_order && devices == 4) return {{.pp = 4}, {.pp = 2, .dp = 2, .zero = 1}};
  if (is_new_order && devices > 4) return {{.tp = 2, .pp = 2, .dp = 2, .sequence_parallel = true, .zero = 1}};
  switch (devices) {
    case 2: return {{.pp = 2}};
    case 4:
      return {{.pp = 4},
              {.tp = 2, .pp = 2},
              {.tp = 2, .pp = 2, .sequence_parallel = true},
              {.pp = 2, .dp = 2},
              {.pp = 2, .dp = 2, .zero = 1},
              {.pp = 2, .cp = 2}};
    default: return {{.tp = 2, .pp = 2, .dp = 2, .sequence_parallel = true, .zero = 1}, {.tp = 2, .pp = 4}};
  }
}

TEST_CASE("pipelines of every schedule compute what one device computes") {
  for (const ScheduleKind schedule : kSchedules) {
    for (const Degrees& degrees : pipelines(mpi_session().size(), schedule)) {
      for (const bool gpt : {false, true}) {
        if (gpt && schedule != ScheduleKind::interleaved && schedule != ScheduleKind::zero_bubble) continue;
        CAPTURE(static_cast<int>(schedule), degrees.name(), gpt);
        check_equals_unsharded(scheduled_job(degrees, schedule, gpt));
      }
    }
  }
}

TEST_CASE("schedules: the fast kernels agree, and everything is counted as planned") {
  for (const ScheduleKind schedule : kSchedules) {
    for (const Degrees& degrees : pipelines(mpi_session().size(), schedule)) {
      CAPTURE(static_cast<int>(schedule), degrees.name());
      const JobSpec job = scheduled_job(degrees, schedule);
      check_fast_kernels(job);
      check_counted_as_planned(job);
    }
  }
}

}  // namespace
}  // namespace foreshard::test
