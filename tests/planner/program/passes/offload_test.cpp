// What lies in the host's memory: bytes there and on the device, copies, and the times of copies and of the CPU.
#include <string>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/ops/offload_time.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/dependencies/wait_rule.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr std::int64_t D = 64, F = 256, V = 512, L = 2, T = 32;
/// qkv 3·D², out D², gate and up 2·F·D, down D·F, norms 2·D.
constexpr std::int64_t kLayer = 4 * D * D + 3 * F * D + 2 * D;
constexpr std::int64_t kTable = V * D;
constexpr std::int64_t kHead = V * D + D;  // with the final norm
constexpr std::int64_t kParameters = L * kLayer + kTable + kHead;

HostSpec host() {
  return {.memory = Bytes(std::int64_t{1} << 40),
          .memory_bandwidth = BytesPerSecond(100e9),
          .memory_efficiency = 0.5,
          .link = {.bandwidth = BytesPerSecond(20e9), .efficiency = 0.8, .latency = Seconds(1e-6)}};
}

JobSpec offloading_job(const OffloadSpec& offload, const Degrees& degrees = {}) {
  JobSpec job = llama_job(llama_shaped(L, D, F, 8, 8, V),
                          {.sequence = T, .micro_batch = 1, .global_batch = degrees.dp});
  job.training.gradient_dtype = DType::fp32;
  job = sharded(job, degrees);
  job.cluster.host = host();
  job.training.offload = offload;
  return job;
}

StepProgram checked_program(const JobSpec& job) {
  StepProgram program = build_step_program(job);
  CHECK(check_program(program) == std::vector<std::string>{});
  return program;
}

/// Bytes of all copies of one way in a step.
std::int64_t copied(const StepProgram& program, HostWay way) {
  const std::vector<std::int64_t> calls = count_block_calls(program, StageId(0));
  std::int64_t bytes = 0;
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    for (const Op& op : program.blocks[b].ops) {
      const auto* copy = std::get_if<HostCopy>(&op.kind);
      if (copy != nullptr && copy->way == way) bytes += copy->payload.value() * calls[b];
    }
  }
  return bytes;
}

}  // namespace

TEST_CASE("offload: the optimizer's states lie on the host, gradients and weights go through it") {
  const JobSpec job = offloading_job({.optimizer = 1.0});
  const StepProgram program = checked_program(job);
  const MemoryReport memory = estimate(job, program).memory;
  CHECK(memory.stages[0].weights.value() == 2 * kParameters);
  CHECK(memory.stages[0].gradients.value() == 4 * kParameters);
  CHECK(memory.stages[0].optimizer.value() == 0);
  // Masters and two moments; and, while a layer is updated, its fp32 gradients and 16-bit weights.
  REQUIRE(memory.host);
  CHECK(memory.host->needed.value() == 12 * kParameters + (4 + 2) * kLayer);
  CHECK(copied(program, HostWay::to_host) == 4 * kParameters);
  CHECK(copied(program, HostWay::to_device) == 2 * kParameters);
}

TEST_CASE("offload: a quarter of the optimizer's states") {
  const JobSpec job = offloading_job({.optimizer = 0.25});
  const StepProgram program = checked_program(job);
  const MemoryReport memory = estimate(job, program).memory;
  // 4 divides the parameters of the table, of a layer, and of the head with its norm.
  CHECK(memory.stages[0].optimizer.value() == 9 * kParameters);
  CHECK(memory.host->needed.value() == 3 * kParameters + (4 + 2) * kLayer / 4);
  CHECK(copied(program, HostWay::to_host) == kParameters);
}

TEST_CASE("offload: DeepSpeed with ZeRO-3 keeps weights, gradients and states of its share on the host") {
  JobSpec job = offloading_job({.optimizer = 1.0, .weights = 1.0}, {.dp = 4, .zero = 3});
  job.framework = Framework::deepspeed;
  job.training.gradient_dtype = DType::bf16;
  job.training.overlap.dp = true;
  const StepProgram program = checked_program(job);
  const MemoryReport memory = estimate(job, program).memory;
  CHECK(memory.stages[0].weights.value() == 0);
  CHECK(memory.stages[0].gradients.value() == 0);
  CHECK(memory.stages[0].optimizer.value() == 0);
  // 16-bit weights and gradients, masters and moments, of a quarter. One device for each node.
  CHECK(memory.host->needed.value() == (2 + 2 + 12) * kParameters / 4);
  // Layers and head fetch their weights for both passes, the embedding for its lookup alone.
  CHECK(copied(program, HostWay::to_device) == 2 * (2 * (L * kLayer + kHead) + kTable) / 4);
  CHECK(copied(program, HostWay::to_host) == 2 * kParameters / 4);
}

TEST_CASE("offload: gradients of several micro-batches are added on the host") {
  JobSpec job = offloading_job({.optimizer = 1.0}, {.dp = 4, .zero = 2});
  job.framework = Framework::deepspeed;
  job.training.gradient_dtype = DType::bf16;
  job.training.global_batch = 12;
  const StepProgram program = checked_program(job);
  CHECK(copied(program, HostWay::to_host) == 3 * 2 * kParameters / 4);
  const std::vector<std::int64_t> calls = count_block_calls(program, StageId(0));
  std::int64_t added = 0;
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    for (const Op& op : program.blocks[b].ops) {
      const auto* pass = std::get_if<Pointwise>(&op.kind);
      if (pass != nullptr && pass->kind == PointwiseKind::accumulate && op.lane == Lane::cpu)
        added += pass->elements * calls[b];
    }
  }
  CHECK(added == 3 * kParameters / 4);
}

TEST_CASE("offload: layer inputs of a recomputed model, of which two are on the device at a time") {
  JobSpec job = offloading_job({.activations = 1.0});
  job.model.layers = 8;
  job.training.recompute = Recompute::full;
  const StepProgram program = checked_program(job);
  const MemoryReport memory = estimate(job, program).memory;
  constexpr std::int64_t kInput = 2 * T * D;
  CHECK(memory.host->needed.value() == 8 * kInput);
  CHECK(copied(program, HostWay::to_host) == 8 * kInput);
  CHECK(copied(program, HostWay::to_device) == 8 * kInput);
  JobSpec without = job;
  without.training.offload = {};
  // Without offload 8 inputs are alive when backward reaches the last layer, with it that layer's and the one that is
  // being fetched.
  CHECK(memory.peak.value() <= estimate(without).memory.peak.value() - 6 * kInput);
}

TEST_CASE("offload: half of the activations is whole tensors of at most half of their bytes") {
  JobSpec job = offloading_job({.activations = 0.5});
  const std::int64_t half = copied(checked_program(job), HostWay::to_host);
  job.training.offload.activations = 1.0;
  const std::int64_t all = copied(checked_program(job), HostWay::to_host);
  CHECK(2 * half <= all);
  // Of a layer, in T·D: gate and up 16, their product 8, q, k and v 6, five others 2 each: 40, and statistics. The largest
  // first: 16 + 2 + 2.
  CHECK(2 * half > all - all / 10);
}

TEST_CASE("offload: devices of a node share the host's memory") {
  const OffloadTimes alone(host(), 1);
  // 16 GB/s of 20 over the link; the CPU reaches half of 100 GB/s.
  CHECK(alone.copy(Bytes(16'000'000)).value() == Approx(1e-6 + 1e-3));
  CHECK(alone.compute(Bytes(50'000'000)).value() == Approx(1e-3));
  // Eight devices have 12.5 GB/s each, less than their links.
  const OffloadTimes shared(host(), 8);
  CHECK(shared.copy(Bytes(12'500'000)).value() == Approx(1e-6 + 1e-3));
  CHECK(shared.compute(Bytes(6'250'000)).value() == Approx(1e-3));
}

TEST_CASE("offload: Adam on the CPU moves 30 bytes for each parameter") {
  const JobSpec job = offloading_job({.optimizer = 1.0});
  const StepProgram program = checked_program(job);
  for (const Op& op : block_named(program, "dense_layer update").ops) {
    if (op.lane != Lane::cpu) continue;
    // Gradient 4 read; master and moments 12 read and written; weight 2 written; and the gradients' norm.
    const Seconds time = CostModel(job).time(op, program).time;
    CHECK(time.value() == Approx((30.0 * kLayer + 4.0) / 50e9));
  }
}

TEST_CASE("offload: compute waits for the copy before the last one to the host") {
  const StepProgram program = checked_program(offloading_job({.activations = 1.0}));
  const Op& leaves = block_named(program, "dense_layer forward").ops.back();
  const Op& comes = block_named(program, "dense_layer backward").ops.front();
  CHECK(holds_former(leaves));
  CHECK_FALSE(holds_former(comes));
  CHECK(leaves.lane == Lane::to_host);
  CHECK(comes.lane == Lane::to_device);
  CHECK(comes.prefetch_blocks == 1);
  CHECK(starts_after_compute(program, comes));
}

TEST_CASE("offload: a host with too little memory does not fit") {
  JobSpec job = offloading_job({.optimizer = 1.0});
  job.cluster.host->memory = Bytes(12 * kParameters);
  const MemoryReport memory = estimate(job).memory;
  CHECK_FALSE(memory.fits);
  CHECK(memory.verdict == MemoryVerdict::does_not_fit);
  CHECK(memory.reserved + memory.context <= memory.capacity);
}
