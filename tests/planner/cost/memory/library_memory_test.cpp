// What libraries take beside the tensors of a step, and what a layer of experts keeps where its activation weighs rows.
#include "planner/cost/memory/library_memory.hpp"

#include "planner/cost/memory/graph_memory.hpp"
#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr std::int64_t kMiB = 1 << 20;

LibraryMemory library(const JobSpec& job, const std::string& name) {
  for (const LibraryMemory& library : library_memory(job)) {
    if (library.name == name) return library;
  }
  return {};
}

JobSpec expert_job(std::int64_t ranks, std::int64_t hidden, std::int64_t experts, Dispatcher dispatcher) {
  JobSpec job;
  job.cluster = round_cluster(ranks > 8 ? ranks / 8 : 1);
  job.model = llama_shaped(2, hidden, 4 * hidden, 8, 8, 512);
  job.model.experts = ExpertsSpec{.count = experts, .per_token = 8, .hidden = 256};
  job.parallelism.dp = job.parallelism.ep = ranks;
  job.training.dispatcher = dispatcher;
  return job;
}

std::int64_t saved_by_experts(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program) == std::vector<std::string>{});
  return block_memory(program)[block_index(program, "moe_layer forward")].saved.value();
}

}  // namespace

TEST_CASE("libraries: one line for each communicator; a node's switches need buffers of their own") {
  JobSpec job;
  job.cluster = round_cluster(2);
  job.parallelism.tp = 8;
  job.parallelism.dp = 2;
  CHECK(library(job, "cuBLAS").place == MemoryPlace::allocated);
  CHECK(library(job, "cuBLAS").high.value() == 64 * kMiB);
  CHECK(library(job, "CUDA context").low.value() == 400 * kMiB);
  // 8 channels of a ring, or 32 of a ring and two trees, 12 MiB for each connection. In a node: 16 channels, 8 ranks, two
  // buffers of 8 · 128 KiB.
  CHECK(library(job, "NCCL, tp").low.value() == 8 * 12 * kMiB);
  CHECK(library(job, "NCCL, tp").high.value() == (32 * 3 * 12 + 16 * 8 * 2) * kMiB);
  // The replicas lie on different nodes.
  CHECK(library(job, "NCCL, dp").high.value() == 32 * 3 * 12 * kMiB);
  CHECK(library(job, "NCCL, pp").high.value() == 0);
  job.cluster.accelerator.is_cpu = true;
  CHECK(library_memory(job).empty());
}

TEST_CASE("libraries: an all-to-all of experts connects all pairs of a node") {
  CHECK(library(expert_job(8, 64, 8, Dispatcher::all_to_all), "NCCL, ep").high.value() == 7 * 32 * 12 * kMiB);
  CHECK(library(expert_job(16, 64, 16, Dispatcher::all_to_all), "NCCL, ep").high.value() ==
        7 * 32 * 12 * kMiB);
  CHECK(dispatcher_buffers(expert_job(8, 64, 8, Dispatcher::all_to_all)).value() == 0);
}

TEST_CASE("libraries: DeepEP's buffers as its size hints have them") {
  // 10 channels, 8 ranks: 5 counts, and 256 tokens of 2·2048 + 8 + 128·(8 + 4 + 4) bytes. 125,994,560 in lines of 128.
  CHECK(10 * 8 * 5 * 4 + 10 * 8 * 256 * (4096 + 8 + 128 * 16) == 125'994'560);
  CHECK(dispatcher_buffers(expert_job(8, 2048, 128, Dispatcher::deepep)).value() == 125'994'624);
  // 64 ranks, 8 nodes: 19 counts, 288 tokens; and over the network 36 counts and twice 128 tokens with 16 bytes more.
  constexpr std::int64_t kRow = 2 * 7168 + 8 + 128 * 16;
  CHECK(dispatcher_buffers(expert_job(64, 7168, 256, Dispatcher::deepep)).value() ==
        (10 * 8 * 19 * 4 + 10 * 8 * 288 * kRow + 127) / 128 * 128 +
            (10 * 8 * 36 * 4 + 10 * 8 * 2 * 128 * (kRow + 16) + 127) / 128 * 128);
}

TEST_CASE("libraries: HybridEP has room for all tokens of its ranks") {
  JobSpec job = expert_job(8, 2048, 128, Dispatcher::hybridep);
  job.training.micro_batch = 8;
  job.training.sequence_length = 4096;
  // 8 · 32,768 tokens: 2048 columns of 2 bytes, a scale for each 128, and a weight for each of the 128 experts.
  CHECK(dispatcher_buffers(job).value() == 8 * 32'768 * (2 * 2048 + 4 * 16 + 4 * 128));
  CHECK_FALSE(library(job, "HybridEP").in_usual);
}

TEST_CASE("experts that are weighed in their activation keep no outputs") {
  constexpr std::int64_t T = 32, D = 64;
  JobSpec job =
      llama_job(llama_shaped(2, D, 128, 8, 8, 512), {.sequence = T, .micro_batch = 1, .global_batch = 2});
  job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 48};
  job.framework = Framework::megatron;
  job.release = Release{2025, 4};
  const std::int64_t outputs_weighed = saved_by_experts(job);
  job.release = Release{2025, 5};
  // Two rows of 16 bits for each token.
  CHECK(outputs_weighed - saved_by_experts(job) == 2 * T * D * 2);
  job.release.reset();
  CHECK(outputs_weighed - saved_by_experts(job) == 2 * T * D * 2);
  job.training.compiled = false;
  CHECK(saved_by_experts(job) > 0);
}

TEST_CASE("Automodel's experts are weighed in their activation, torchtitan's are not") {
  JobSpec job =
      llama_job(llama_shaped(2, 64, 128, 8, 8, 512), {.sequence = 32, .micro_batch = 1, .global_batch = 4});
  job = sharded(job, {.dp = 4, .zero = 3});
  job.parallelism.ep = 4;
  job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 48};
  job.framework = Framework::torch_fsdp;
  job.training.dispatcher = Dispatcher::all_to_all;
  const auto weighed_sums = [&] {
    std::int64_t count = 0;
    for (const Block& block : build_step_program(job).blocks) {
      for (const Op& op : block.ops) {
        const auto* permute = std::get_if<Permute>(&op.kind);
        if (permute != nullptr && permute->weighted && permute->weighs) ++count;
      }
    }
    return count;
  };
  CHECK(weighed_sums() > 0);
  job.training.dispatcher = Dispatcher::deepep;
  CHECK(weighed_sums() == 0);
}

TEST_CASE("SwiGLU's input is kept for backward in one byte instead of two") {
  constexpr std::int64_t T = 32, D = 64, F = 128;
  JobSpec job =
      llama_job(llama_shaped(2, D, F, 8, 8, 512), {.sequence = T, .micro_batch = 1, .global_batch = 2});
  const auto saved = [&] {
    const StepProgram program = build_step_program(job);
    CHECK(check_program(program) == std::vector<std::string>{});
    return block_memory(program)[block_index(program, "dense_layer forward")].saved.value();
  };
  for (const bool compiled : {true, false}) {
    job.training.compiled = compiled;
    job.training.fp8_activation_inputs = false;
    const std::int64_t in_bf16 = saved();
    job.training.fp8_activation_inputs = true;
    CHECK(in_bf16 - saved() == T * 2 * F);  // gate and up
  }
  // What backward makes again is not kept, so there is nothing to keep in fp8.
  job.training.recompute = Recompute::full;
  const std::int64_t recomputed = saved();
  job.training.fp8_activation_inputs = false;
  CHECK(recomputed == saved());
}

TEST_CASE("graphs of layers keep a copy of each layer's input until its backward pass has ended") {
  JobSpec job = sharded(llama_job(llama_shaped(8, 64, 128, 4, 4, 512), {.sequence = 128, .global_batch = 4}),
                        {.tp = 2, .pp = 2, .sequence_parallel = true});
  const StepProgram program = build_step_program(job);
  CHECK(graph_memory(job, program).inputs == Bytes());
  const MemoryReport without = memory_report(job, program);
  job.training.graphs = Graphs::full;
  CHECK(graph_memory(job, program).inputs == Bytes());
  job.training.graphs = Graphs::layer;
  const GraphMemory graphs = graph_memory(job, program);
  // 1f1b: the first of two stages has two micro-batches in flight, four layers of each. A rank has 64 of 128 tokens.
  CHECK(graphs.inputs == Bytes(2 * 4 * 64 * 64 * 2));
  CHECK(graphs.pool_high > Bytes());
  const MemoryReport with = memory_report(job, program);
  CHECK(with.peak == without.peak);
  CHECK(with.allocated == without.allocated + graphs.inputs);
  CHECK(with.reserved == without.reserved + graphs.inputs);
  CHECK(with.needed_low == without.needed_low + graphs.inputs);
  CHECK(with.needed_high == without.needed_high + graphs.inputs + graphs.pool_high);
}

TEST_CASE("split backward keeps the inputs of graphs until the weight pass") {
  JobSpec job = sharded(llama_job(llama_shaped(8, 64, 128, 4, 4, 512), {.sequence = 128, .global_batch = 4}),
                        {.pp = 2});
  job.training.schedule = ScheduleKind::zero_bubble;
  job.training.graphs = Graphs::layer;
  // Every stage may have two micro-batches between forward and weight pass, four layers of each.
  CHECK(graph_memory(job, build_step_program(job)).inputs == Bytes(2 * 4 * 128 * 64 * 2));
}

TEST_CASE("Transformer Engine has workspaces of its own, one more for each stream of grouped products") {
  JobSpec job = llama_job(llama_shaped(2, 64, 128, 4, 4, 512), {.sequence = 128, .global_batch = 1});
  CHECK(library(job, "Transformer Engine").high == Bytes());
  job.framework = Framework::megatron;
  CHECK(library(job, "Transformer Engine").high == Bytes(32 * kMiB));
  job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 256};
  CHECK(library(job, "Transformer Engine").high == Bytes(5 * 32 * kMiB));
  job.cluster.accelerator.gemm[static_cast<std::size_t>(DType::fp8)].reset();  // before Hopper
  CHECK(library(job, "Transformer Engine").high == Bytes(5 * 4 * kMiB));
}
