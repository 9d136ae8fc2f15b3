#include "runtime/calibrate/measure_kernels.hpp"

#include <bit>

#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/device/cpu/cpu_device.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

// Times differ from run to run. What is measured, how often, and that all ranks agree, does not differ.

namespace foreshard::test {
namespace {

JobSpec tiny_probe() {
  JobSpec job = sharded(tiny_job(false), {});
  job.training.global_batch = job.training.micro_batch;
  return job;
}

KernelBudget short_budget() {
  KernelBudget budget{.time = Seconds(0.0), .fewest_steps = 2, .most_steps = 2};
  budget.memory = Bytes(std::int64_t{1} << 30);
  return budget;
}

TEST_CASE("every kernel of a probe is measured once per kind of block, and all ranks get the same times") {
  MpiCommunicator wide(mpi_session(), mesh_of({.dp = mpi_session().size()}));
  CpuDevice device;
  const std::vector<JobSpec> probes = {tiny_probe()};
  const KernelMeasurements measured = measure_kernels(probes, device, wide, short_budget());

  REQUIRE(measured.programs.size() == 1);
  std::int64_t updates_of_layers = 0;
  for (const MeasuredKernel& kernel : measured.kernels) {
    INFO(kernel.op.name);
    CHECK(kernel.time.median > Seconds());
    CHECK(kernel.time.spread >= Seconds());
    CHECK(kernel.runs >= 1);
    if (std::holds_alternative<Attention>(kernel.op.kind)) CHECK(kernel.runs == 4);  // layers
    if (std::holds_alternative<OptimizerUpdate>(kernel.op.kind)) updates_of_layers += kernel.runs;
    const auto bits = std::bit_cast<std::uint64_t>(kernel.time.median.value());
    for (const std::uint64_t other : mpi_session().gather(bits)) CHECK(other == bits);
  }
  CHECK(updates_of_layers >= 4);
}

TEST_CASE("a probe that does not fit into memory is left out; if none fits, that is an error") {
  MpiCommunicator wide(mpi_session(), mesh_of({.dp = mpi_session().size()}));
  CpuDevice device;
  const std::vector<JobSpec> probes = {tiny_probe()};
  KernelBudget budget = short_budget();
  budget.memory = Bytes(1000);
  int told = 0;
  budget.progress = [&](int, int) { ++told; };
  CHECK_THROWS_WITH(measure_kernels(probes, device, wide, budget), ContainsSubstring("not enough memory"));
  CHECK(told == 1);
}

}  // namespace
}  // namespace foreshard::test
