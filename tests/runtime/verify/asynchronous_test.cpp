// Asynchronous collectives: everything that uses their memory must wait for them. Here they run on CPUs, as
// late as possible.
#include "planner/program/op_groups.hpp"
#include "runtime/measure/measure_steps.hpp"
#include "tests/runtime/verify/late_communicator.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

JobSpec overlapping(const Degrees& degrees, bool gpt) {
  JobSpec job = sharded(tiny_job(gpt), degrees);
  job.training.overlap = {.tp = TpOverlap::wgrad, .dp = true, .pp = true, .cp = false, .ep = EpOverlap::none};
  return job;
}

TEST_CASE("collectives that run as late as possible give the same results") {
  for (const Degrees& degrees : degrees_of(mpi_session().size())) {
    for (const bool gpt : {false, true}) {
      CAPTURE(degrees.name(), gpt);
      const JobSpec job = overlapping(degrees, gpt);
      ReferenceDevice device;
      MpiCommunicator mpi(mpi_session(), DeviceMesh(job.parallelism));
      LateCommunicator communicator(mpi);
      check_agreement(compare_with_unsharded(job, device, communicator, 2));
      if (degrees.pp < mpi_session().size()) CHECK(communicator.late() > 0);
    }
  }
}

TEST_CASE("asynchronous collectives are counted as planned, and take no time of their own") {
  const std::int64_t ranks = mpi_session().size();
  const JobSpec job = overlapping({.tp = ranks / 2, .dp = 2, .zero = 1}, false);
  const StepProgram program = build_step_program(job);
  CpuDevice cpu(1);
  CountingDevice device(cpu);
  MpiCommunicator mpi(mpi_session(), DeviceMesh(job.parallelism));
  LateCommunicator late(mpi);
  CountingCommunicator communicator(late);
  RankPlan plan(program, device, communicator);
  Executor executor(plan, device, communicator);
  executor.initialize();
  device.reset();
  executor.run_step();
  REQUIRE(late.late() > 0);
  const CountCheck check = check_counts(plan, device, communicator, memory_report(job, program));
  CHECK(check.payload_bytes.counted == check.payload_bytes.planned);
  CHECK(check.calls.counted == check.calls.planned);
  // They ran when they were waited for, so all their time is exposed. The step's time is that time, the other
  // operations, and the gaps between them.
  Seconds asynchronous;
  Seconds others;
  for (std::size_t position = 0; position < plan.ops().size(); ++position) {
    const bool is_asynchronous = plan.ops()[position].kind == PlannedOp::Kind::beside;
    (is_asynchronous ? asynchronous : others) += executor.time_of(position);
  }
  CHECK(asynchronous > Seconds(0.0));
  CHECK(executor.not_hidden() >= asynchronous);
  CHECK(executor.waited() == Seconds(0.0));
  const Seconds sum = others + executor.not_hidden() + executor.overhead();
  CHECK(sum.value() == Approx(executor.step_time().value()).epsilon(1e-6));
}

TEST_CASE("exposed communication is measured: here all of it") {
  const std::int64_t ranks = mpi_session().size();
  const JobSpec job = overlapping({.tp = ranks / 2, .dp = 2, .zero = 1}, false);
  const StepProgram program = build_step_program(job);
  const OpGroups groups = op_groups(program);
  CpuDevice device(1);
  MpiCommunicator mpi(mpi_session(), DeviceMesh(job.parallelism));
  const auto measured = [&](Communicator& communicator) {
    RankPlan plan(program, device, communicator);
    Executor executor(plan, device, communicator);
    executor.initialize();
    return measure_steps(executor, plan, communicator, groups, {.warm_up = 0, .steps = 1, .progress = {}});
  };
  LateCommunicator late(mpi);
  const StepMeasurement step = measured(late);
  REQUIRE(step.exposed);
  // With one stage, a group's time is the fastest rank's; the mean over ranks is not shorter.
  Seconds collectives;
  for (std::size_t g = 0; g < groups.groups.size(); ++g) {
    if (groups.groups[g].is_communication) collectives += step.groups[g].median;
  }
  CHECK(collectives > Seconds(0.0));
  CHECK(step.exposed->median >= collectives);
  CHECK(step.exposed->median < step.step.median);
  // No exposed time is reported if no collective runs asynchronously.
  CHECK(!measured(mpi).exposed);
}

}  // namespace
}  // namespace foreshard::test
