// ZeRO++ (quantised and hierarchical exchanges) and the buffers that DeepSpeed keeps.
#include <string>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr std::int64_t D = 64, F = 256, V = 512, L = 4, T = 32;
/// qkv 3·D², out D², gate and up 2·F·D, down D·F, norms 2·D.
constexpr std::int64_t kLayer = 4 * D * D + 3 * F * D + 2 * D;
constexpr std::int64_t kModel = L * kLayer + 2 * V * D + D;

/// dp 8 on nodes of 4 devices.
JobSpec zero_job(Framework framework = Framework::torch_fsdp, int zero = 3) {
  JobSpec job =
      llama_job(llama_shaped(L, D, F, 8, 8, V), {.sequence = T, .micro_batch = 1, .global_batch = 8});
  job.framework = framework;
  job.training.gradient_dtype = DType::bf16;
  job = sharded(job, {.dp = 8, .zero = zero});
  job.cluster.nodes = 2;
  job.cluster.devices_per_node = 4;
  job.parallelism.replicas_of_node = 4;
  return job;
}

StepProgram checked_zero(const JobSpec& job) {
  StepProgram program = build_step_program(job);
  CHECK(check_program(program) == std::vector<std::string>{});
  return program;
}

/// Bytes of one kind of collective over some ranks in the layer's block of this name.
std::int64_t exchanged(const StepProgram& program, const char* block, CollectiveKind kind, GroupKind ranks) {
  std::int64_t bytes = 0;
  for (const Op& op : block_named(program, block).ops) {
    const auto* collective = std::get_if<Collective>(&op.kind);
    if (collective != nullptr && collective->kind == kind && collective->group == ranks)
      bytes += collective->payload.value();
  }
  return bytes;
}

constexpr auto kGather = CollectiveKind::all_gather;
constexpr auto kScatter = CollectiveKind::reduce_scatter;

}  // namespace

TEST_CASE("ZeRO++: quantised weights travel in 8 bits instead of 16, in forward and in backward") {
  JobSpec job = zero_job();
  for (const char* const block : {"dense_layer forward", "dense_layer backward"}) {
    job.parallelism.zero_quantized_weights = false;
    CHECK(exchanged(checked_zero(job), block, kGather, GroupKind::dp_cp) == 2 * kLayer);
    job.parallelism.zero_quantized_weights = true;
    CHECK(exchanged(checked_zero(job), block, kGather, GroupKind::dp_cp) == kLayer);
    // Gathers may run ahead of their block; the passes around them do not.
    for (const bool ahead : {false, true}) {
      job.training.overlap.dp = ahead;
      for (const Op& op : block_named(checked_zero(job), block).ops) {
        if (op.name == "quantise shares" || op.name == "dequantise weights") CHECK(op.prefetch_blocks == 0);
      }
    }
  }
}

TEST_CASE(
    "ZeRO++: with a second copy backward gathers in the node, and keeps 2 bytes of each weight over its "
    "ranks") {
  JobSpec job = zero_job();
  const MemoryReport plain = memory_report(job, checked_zero(job));
  job.parallelism.zero_hpz = 4;
  const StepProgram program = checked_zero(job);
  CHECK(exchanged(program, "dense_layer forward", kGather, GroupKind::dp_cp) == 2 * kLayer);
  CHECK(exchanged(program, "dense_layer backward", kGather, GroupKind::dp_cp) == 0);
  CHECK(exchanged(program, "dense_layer backward", kGather, GroupKind::dp_shard) == 2 * kLayer);
  CHECK(program.group(GroupKind::dp_shard).size == 4);
  const MemoryReport more = memory_report(job, program);
  // The token table is looked up in forward alone: its backward gathers nothing.
  CHECK(more.stages[0].weights - plain.stages[0].weights == Bytes(2 * (kModel - V * D) / 4));
}

TEST_CASE("ZeRO++: quantised gradients go through the node and then between nodes, in 4 bits") {
  JobSpec job = zero_job();
  CHECK(exchanged(checked_zero(job), "dense_layer backward", kScatter, GroupKind::dp_cp) == 2 * kLayer);
  job.parallelism.zero_quantized_gradients = true;
  const StepProgram program = checked_zero(job);
  CHECK(exchanged(program, "dense_layer backward", kScatter, GroupKind::dp_cp) == 0);
  // Half a byte of each element and the scales: at most 0.55 bytes; a quarter of it leaves the node.
  const std::int64_t in_node = exchanged(program, "dense_layer backward", kScatter, GroupKind::dp_shard);
  CHECK(in_node >= kLayer / 2);
  CHECK(static_cast<double>(in_node) < 0.55 * static_cast<double>(kLayer));
  const std::int64_t between = exchanged(program, "dense_layer backward", kScatter, GroupKind::dp_replicate);
  CHECK(between >= kLayer / 8);
  CHECK(static_cast<double>(between) < 0.55 * static_cast<double>(kLayer) / 4);
  CHECK(program.group(GroupKind::dp_replicate).size == 2);
}

TEST_CASE(
    "DeepSpeed keeps one bucket of gradients with ZeRO-3, two where ZeRO-2 overlaps, and live weights") {
  const auto buffers = [](const JobSpec& job) {
    Bytes held;
    for (const Tensor& tensor : checked_zero(job).tensors) {
      if (tensor.held) held += tensor.local_bytes();
    }
    return held.value();
  };
  JobSpec job = zero_job(Framework::deepspeed, 2);
  job.training.buckets.reduce = 1000;
  job.training.overlap.dp = false;
  CHECK(buffers(job) == 2 * 1000);
  job.training.overlap.dp = true;
  CHECK(buffers(job) == 2 * 2 * 1000);
  job = zero_job(Framework::deepspeed, 3);
  job.training.buckets.reduce = 1000;
  job.training.overlap.dp = true;
  // More than the model has may stay: all of it, without the two layers that are counted where they are used.
  CHECK(buffers(job) == 2 * 1000 + 2 * (kModel - 2 * kLayer));
  job.training.buckets.live = 3 * kLayer;
  CHECK(buffers(job) == 2 * 1000 + 2 * kLayer);
  job.training.buckets.live = 0;
  CHECK(buffers(job) == 2 * 1000);
  CHECK(buffers(zero_job(Framework::torch_fsdp, 3)) == 0);
}

TEST_CASE("a bucket of weights that are gathered ahead says how many layers that are") {
  JobSpec job = zero_job(Framework::deepspeed, 3);
  job.training.overlap.dp = true;
  const auto ahead = [](const JobSpec& of) {
    return static_cast<int>(block_named(checked_zero(of), "dense_layer forward").ops.front().prefetch_blocks);
  };
  CHECK(ahead(job) == 1);
  job.training.buckets.prefetch = 2 * kLayer;
  CHECK(ahead(job) == 2);
  job.training.buckets.prefetch = 0;
  CHECK(ahead(job) == 0);
  job.training.buckets.prefetch = 5 * kLayer;
  job.training.buckets.live = 3 * kLayer;
  CHECK(ahead(job) == 2);
}
