// The fast kernels in fp32, and what devices and communicators are counted to do.
#include "planner/program/emit.hpp"
#include "runtime/comm/counting_communicator.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/device/cpu_device.hpp"
#include "runtime/execute/executor.hpp"
#include "runtime/verify/counting_device.hpp"
#include "runtime/verify/sharding_check.hpp"
#include "runtime/verify/step_counts.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

namespace foreshard::test {
namespace {

TEST_CASE("in fp32 outputs and gradients equal the unsharded run's to 1e-5") {
  for (const bool gpt : {false, true}) {
    for (const Degrees& degrees : degrees_of(mpi_session().size())) {
      CAPTURE(gpt, degrees.name());
      const JobSpec job = sharded(tiny_job(gpt), degrees);
      CpuDevice device(1);
      MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
      const ShardingErrors errors = compare_with_unsharded(job, device, communicator, 1);
      CAPTURE(errors.worst_gradient);
      CHECK(errors.loss <= 1e-5);
      CHECK(errors.outputs <= 1e-5);
      CHECK(errors.gradients <= 1e-5);
    }
  }
}

TEST_CASE("FLOPs, payload, calls and peak bytes are counted as planned, exactly") {
  for (const bool gpt : {false, true}) {
    for (const Degrees& degrees : degrees_of(mpi_session().size())) {
      for (const Recompute recompute : {Recompute::none, Recompute::full}) {
        CAPTURE(gpt, degrees.name(), static_cast<int>(recompute));
        JobSpec job = sharded(tiny_job(gpt), degrees);
        job.training.recompute = recompute;
        const StepProgram program = build_step_program(job);
        CpuDevice cpu(1);
        CountingDevice device(cpu);
        MpiCommunicator mpi(mpi_session(), DeviceMesh(job.parallelism));
        CountingCommunicator communicator(mpi);
        RankPlan plan(job, program, device, communicator);
        Executor executor(plan, device, communicator);
        executor.initialize();
        device.reset();
        executor.run_step();
        const CountCheck check = check_counts(plan, device, communicator, memory_report(job, program));
        CHECK(check.flops.planned > 0);
        CHECK(check.flops.counted == check.flops.planned);
        CHECK(check.payload_bytes.counted == check.payload_bytes.planned);
        CHECK(check.calls.counted == check.calls.planned);
        CHECK(check.peak_bytes.counted == check.peak_bytes.planned);
        CHECK((degrees.devices() == 1) == (check.calls.counted == 0));
      }
    }
  }
}

TEST_CASE("the FLOPs of a step of one layer, by hand") {
  // One rank, one micro-batch of 2 × 8 = 16 tokens, D = 32, F = 48, 8 heads of 4, 4 kv heads, one layer, V =
  // 32 padded.
  JobSpec job = sharded(tiny_job(false), {.dp = mpi_session().size()});
  job.model.layers = 1;
  job.training.global_batch = 2 * mpi_session().size();
  const StepProgram program = build_step_program(job);
  // Products of a token: qkv 32·64, out 32·32, gate and up 32·96, down 48·32, logits 32·32; each 2 FLOPs,
  // three times.
  const std::int64_t products = 3 * 2 * 16 * (32 * 64 + 32 * 32 + 32 * 96 + 48 * 32 + 32 * 32);
  // The core: 2 products forward, 5 backward, of 2 sequences × 8 heads × 8 × 8 scores × 4.
  const std::int64_t core = 7 * 2 * (2 * 8 * 8 * 8 * 4);
  CHECK(planned_counts(program, StageId(0)).flops == Flops(products + core));
}

}  // namespace
}  // namespace foreshard::test
