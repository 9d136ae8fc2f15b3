#pragma once

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/spec/types/names.hpp"
#include "runtime/comm/counting_communicator.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/device/cpu/cpu_device.hpp"
#include "runtime/device/reference/reference_device.hpp"
#include "runtime/execute/executor.hpp"
#include "runtime/execute/runtime_limits.hpp"
#include "runtime/verify/sharding_check.hpp"
#include "runtime/verify/step_counts.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

namespace foreshard::test {

/// Checks that a sharded run in fp64 gave what the unsharded one gave.
inline void check_agreement(const ShardingErrors& errors) {
  CAPTURE(errors.worst_gradient);
  CHECK(errors.loss <= 1e-11);
  CHECK(errors.outputs <= 1e-11);
  CHECK(errors.gradients <= 1e-11);
  CHECK(errors.weights <= 1e-11);
  CHECK(errors.gradients_compared > 0);
}

/// Checks that the job computes what the unsharded job computes, in fp64, over three steps.
inline void check_equals_unsharded(const JobSpec& job) {
  REQUIRE(what_the_runtime_lacks(job).empty());
  ReferenceDevice device;
  MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
  check_agreement(compare_with_unsharded(job, device, communicator, 3));
}

/// Checks that one step on the fast kernels has exactly the FLOPs, bytes and calls of the program.
inline CountCheck check_counted_as_planned(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  CpuDevice cpu(1);
  CountingDevice device(cpu);
  MpiCommunicator mpi(mpi_session(), DeviceMesh(job.parallelism));
  CountingCommunicator communicator(mpi);
  RankPlan plan(program, device, communicator);
  Executor executor(plan, device, communicator);
  executor.initialize();
  device.reset();
  executor.run_step();
  CountCheck check = check_counts(plan, device, communicator, memory_report(job, program));
  CHECK(check.flops.planned > 0);
  CHECK(check.flops.counted == check.flops.planned);
  CHECK(check.payload_bytes.counted == check.payload_bytes.planned);
  CHECK(check.calls.counted == check.calls.planned);
  CHECK(check.peak_bytes.counted == check.peak_bytes.planned);
  return check;
}

/// Checks that on the fast kernels loss, outputs and gradients equal those of the unsharded run up to
/// rounding.
inline void check_fast_kernels(const JobSpec& job) {
  REQUIRE(what_the_runtime_lacks(job).empty());
  CpuDevice device(1);
  MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
  const ShardingErrors errors = compare_with_unsharded(job, device, communicator, 1);
  CAPTURE(errors.worst_gradient);
  CHECK(errors.loss <= outputs_bound(job));
  CHECK(errors.outputs <= outputs_bound(job));
  CHECK(errors.gradients <= gradients_bound(job));
  CHECK(errors.gradients_compared > 0);
}

}  // namespace foreshard::test
