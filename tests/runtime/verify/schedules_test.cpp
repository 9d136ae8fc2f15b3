// Interleaved and zero-bubble pipelines compute the same sums in another order.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

/// Eight layers, so that each of two chunks of four stages has one layer.
JobSpec scheduled_job(const Degrees& degrees, ScheduleKind schedule, bool gpt = false) {
  JobSpec job = sharded(tiny_job(gpt), degrees);
  job.training.schedule = schedule;
  if (schedule == ScheduleKind::interleaved) {
    job.model.layers = 8;
    job.parallelism.vp = 2;
  }
  return job;
}

constexpr ScheduleKind kSchedules[] = {ScheduleKind::interleaved, ScheduleKind::zero_bubble};

std::vector<Degrees> pipelines(std::int64_t devices) {
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

TEST_CASE("interleaved and zero-bubble pipelines compute what one device computes") {
  for (const ScheduleKind schedule : kSchedules) {
    for (const Degrees& degrees : pipelines(mpi_session().size())) {
      for (const bool gpt : {false, true}) {
        CAPTURE(static_cast<int>(schedule), degrees.name(), gpt);
        check_equals_unsharded(scheduled_job(degrees, schedule, gpt));
      }
    }
  }
}

TEST_CASE("schedules: the fast kernels agree, and everything is counted as planned") {
  for (const ScheduleKind schedule : kSchedules) {
    for (const Degrees& degrees : pipelines(mpi_session().size())) {
      CAPTURE(static_cast<int>(schedule), degrees.name());
      const JobSpec job = scheduled_job(degrees, schedule);
      check_fast_kernels(job);
      check_counted_as_planned(job);
    }
  }
}

}  // namespace
}  // namespace foreshard::test
