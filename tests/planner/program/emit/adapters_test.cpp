// Low-rank adapters of single projections, and frozen weights in fewer bits.
#include <cstdint>
#include <string>
#include <utility>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/ops/kernel_forms.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/ops/op_flops.hpp"
#include "planner/spec/load/load.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

const std::vector<LoraTarget> kAllLinear{LoraTarget::q,    LoraTarget::k,  LoraTarget::v,   LoraTarget::o,
                                         LoraTarget::gate, LoraTarget::up, LoraTarget::down};

/// Llama 3 8B: 32 layers, hidden 4096, 8 of 32 heads for keys and values, FFN 14336.
JobSpec lora_job(std::int64_t layers = 32) {
  JobSpec job = llama_job(llama_shaped(layers, 4096, 14336, 32, 8, 128256),
                          {.sequence = 512, .micro_batch = 1, .global_batch = 8});
  job.lora = LoraSpec{.rank = 16, .modules = kAllLinear};
  return job;
}

/// Elements of all trained weights of the model.
std::int64_t trained(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program) == std::vector<std::string>{});
  std::int64_t elements = 0;
  for (const Tensor& tensor : program.tensors) {
    if (tensor.role == TensorRole::gradient && tensor.derivation == Derivation::gradient)
      elements += tensor.global_elements() * (tensor.per_layer ? job.model.layers : 1);
  }
  return elements;
}

}  // namespace

TEST_CASE(
    "adapters: all seven projections of Llama 3 8B at rank 16 have 41.94 M parameters, as PEFT counts") {
  // r·(in + out): q and o 16·8192, k and v 16·5120, gate, up and down 16·18432, in 32 layers.
  CHECK(trained(lora_job()) == 32 * 16 * (2 * 8192 + 2 * 5120 + 3 * 18432));
  CHECK(trained(lora_job()) == 41'943'040);
  JobSpec job = lora_job();
  job.lora->modules = {LoraTarget::q, LoraTarget::v};
  CHECK(trained(job) == 32 * 16 * (8192 + 5120));
  job.lora->modules = {LoraTarget::head};
  CHECK(trained(job) == 16 * (4096 + 128256));
}

TEST_CASE("adapters: cut over tensor parallelism, with every recomputation, they are a legal program") {
  for (const Recompute recompute : {Recompute::none, Recompute::selective, Recompute::full}) {
    for (const LoraBase base : {LoraBase::bf16, LoraBase::nf4}) {
      JobSpec job = sharded(lora_job(2), {.tp = 4, .dp = 2, .sequence_parallel = true, .zero = 3});
      job.training.recompute = recompute;
      job.lora->base = base;
      CHECK(trained(job) == 2 * 16 * (2 * 8192 + 2 * 5120 + 3 * 18432));
    }
  }
}

TEST_CASE("adapters: what frozen weights make of a frozen table needs no gradient") {
  for (const bool sequence_parallel : {false, true}) {
    CAPTURE(sequence_parallel);
    JobSpec job =
        parse_jobs(
            "model: {name: llama3-8b, layers: 4, mtp: {layers: 1}}\ncluster: {name: dgx-h100, nodes: 1}\n"
            "framework: megatron\nparallelism: {tp: 4}\nlora: {rank: 16, targets: [attention]}\n"
            "training: {sequence_length: 1024, global_batch: 8, micro_batch: 1}\n",
            "mtp.yaml")
            .front();
    job.parallelism.sequence_parallel = sequence_parallel;
    const StepProgram program = build_step_program(job);
    CHECK(check_program(program) == std::vector<std::string>{});
    // The norm of the next tokens' embeddings is below every adapter; the hidden stream's is not.
    int norms = 0;
    for (const Block& block : program.blocks) {
      if (block.kind != BlockKind::mtp || block.pass != Pass::backward) continue;
      for (const Op& op : block.ops) {
        CHECK_FALSE(op.name == "mtp token norm");
        norms += op.name == "mtp hidden norm" ? 1 : 0;
      }
    }
    CHECK(norms > 0);
  }
}

TEST_CASE("adapters: under an indexer and under several streams, too, they are a legal program") {
  for (const char* model :
       {"{name: deepseek-v3.2, layers: 5}",
        "{name: llama3-8b, layers: 4, hyper_connections: {streams: 4}, mtp: {layers: 1}}"}) {
    CAPTURE(model);
    const JobSpec job = parse_jobs(std::string("model: ") + model +
                                       "\ncluster: {name: dgx-h100, nodes: 1}\nframework: megatron\n"
                                       "lora: {rank: 16, targets: [attention]}\n"
                                       "training: {sequence_length: 1024, global_batch: 8, micro_batch: 1}\n",
                                   "streams.yaml")
                            .front();
    CHECK(check_program(build_step_program(job)) == std::vector<std::string>{});
  }
}

TEST_CASE("adapters: those of experts are one per expert and projection") {
  JobSpec job = lora_job(2);
  job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 1024};
  job.lora->modules = {LoraTarget::experts};
  // gate, up (1024 of 4096) and down (4096 of 1024): r·5120 each, of 8 experts in 2 layers.
  CHECK(trained(job) == 2 * 8 * 3 * 16 * 5120);
  job = sharded(job, {.tp = 1, .dp = 4});
  job.parallelism.ep = 4;
  CHECK(trained(job) == 2 * 8 * 3 * 16 * 5120);
}

TEST_CASE("quantised base: nf4 takes 4.127 bits per weight of the layers' matrices") {
  JobSpec job = lora_job();
  const std::int64_t matrices = 2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 14336 * 4096;
  const std::int64_t rest = 2 * 128256 * 4096 + (2 * 32 + 1) * 4096 + 41'943'040;
  CHECK(estimate(job).memory.stages[0].weights.value() == 2 * (32 * matrices + rest));
  job.lora->base = LoraBase::nf4;
  // A byte for 64 elements, 4 bytes for 64·256: all four matrices of a layer divide by that.
  const std::int64_t quantised = matrices / 2 + matrices / 64 + matrices / 64 / 256 * 4;
  CHECK(estimate(job).memory.stages[0].weights.value() == 32 * quantised + 2 * rest);
  job.lora->base = LoraBase::int8;
  CHECK(estimate(job).memory.stages[0].weights.value() == 32 * matrices + 2 * rest);
}

TEST_CASE("quantised base: a pass makes 16 bits before each use, in forward and in backward") {
  JobSpec job = lora_job(1);
  job.lora->base = LoraBase::nf4;
  const StepProgram program = build_step_program(job);
  for (const char* const name : {"dense_layer forward", "dense_layer backward"}) {
    std::int64_t bytes = 0;
    for (const Op& op : block_named(program, name).ops) {
      if (op.name.ends_with(" dequantise")) bytes += op_traffic(op, program).value();
    }
    const std::int64_t matrices = 2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 14336 * 4096;
    CHECK(bytes == matrices / 2 + matrices / 64 + matrices / 64 / 256 * 4 + 2 * matrices);
  }
  // It takes time and no FLOPs of the model.
  JobSpec plain = job;
  plain.lora->base = LoraBase::bf16;
  CHECK(estimate(job).step.time > estimate(plain).step.time);
  CHECK(estimate(job).step.model_flops == estimate(plain).step.model_flops);
}

TEST_CASE("adapters: dropout, scale and sum are passes of their own, unless the products do them") {
  // Bytes and kernels of the adapter of q alone, beyond its products, of one layer and micro-batch.
  const auto further = [](bool dropout, bool fused, Framework framework) {
    JobSpec job = lora_job(1);
    job.framework = framework;
    job.lora->modules = {LoraTarget::q};
    job.lora->dropout = dropout;
    job.lora->fused = fused;
    job.training.compiled = false;
    const StepProgram program = build_step_program(job);
    FurtherPasses sum;
    for (const Block& block : program.blocks) {
      for (const Op& op : block.ops) {
        if (op.name.find("lora") == std::string::npos) continue;
        const FurtherPasses more = further_passes(op, program, kernel_forms(job));
        sum.traffic += more.traffic;
        sum.kernels += more.kernels;
      }
    }
    return std::pair(sum.traffic, sum.kernels);
  };
  // 512 tokens of 4,096 in and out. Forward: scale r2 w2, sum r2 r2 w2, of which the product's own r2 falls away.
  // Backward: scale r2 w2; the sum of the input's gradient r2 r2 w2, of which that product's r2 falls away.
  const std::int64_t rows = 512 * 4096;
  CHECK(further(false, false, Framework::torch_fsdp) ==
        std::pair(Bytes((8 + 4 + 4) * rows), std::int64_t{4}));
  // Dropout r2 w2 w1 and, backward, r2 r1 w2.
  CHECK(further(true, false, Framework::torch_fsdp) ==
        std::pair(Bytes((16 + 5 + 5) * rows), std::int64_t{6}));
  CHECK(further(true, true, Framework::torch_fsdp) == std::pair(Bytes((5 + 5) * rows), std::int64_t{2}));
  CHECK(further(false, false, Framework::foreshard) == std::pair(Bytes(), std::int64_t{0}));
}

TEST_CASE("DoRA: a trained magnitude for each row of each adapted projection") {
  JobSpec job = lora_job(2);
  const std::int64_t adapters = trained(job);
  job.lora->dora = true;
  // Rows of the fused products: q, k and v 6144, out 4096, gate and up 28672, down 4096.
  CHECK(trained(job) == adapters + 2 * (6144 + 4096 + 28672 + 4096));
  for (const std::int64_t tp : {2, 4}) {
    JobSpec cut = sharded(job, {.tp = tp, .dp = 2, .sequence_parallel = true, .zero = 3});
    cut.training.recompute = Recompute::full;
    CHECK(trained(cut) == adapters + 2 * (6144 + 4096 + 28672 + 4096));
  }
}

TEST_CASE(
    "DoRA: forward multiplies the adapters of each projection and sums the squares of the weight with them") {
  JobSpec job = lora_job(1);
  job.lora->dora = true;
  const StepProgram program = build_step_program(job);
  std::int64_t merged = 0;
  std::int64_t squared = 0;
  for (const Op& op : block_named(program, "dense_layer forward").ops) {
    if (op.name.ends_with(" merge")) merged += op_flops(op).hardware.value();
    if (op.name.ends_with(" norms")) squared += op_traffic(op, program).value();
  }
  const std::int64_t matrices = 2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 14336 * 4096;
  CHECK(merged == 2 * 16 * matrices);
  // The weight and the merged adapters in 2 bytes each; zeros and sums of 4 bytes for each row.
  const std::int64_t rows = 6144 + 4096 + 28672 + 4096;
  CHECK(squared == 4 * matrices + rows * (4 + 8));
  // Backward takes the norms as constants: it multiplies no adapters with each other.
  for (const Op& op : block_named(program, "dense_layer backward").ops)
    CHECK_FALSE(op.name.ends_with(" merge"));
}

TEST_CASE("DoRA: model FLOPs are those of LoRA: a product of two adapters multiplies no tokens") {
  JobSpec job = lora_job(1);
  const FlopsTotal without = estimate(job).step.model_flops;
  job.lora->dora = true;
  CHECK(estimate(job).step.model_flops == without);
}

TEST_CASE("DoRA: both summands of each product are kept for the magnitudes' gradients") {
  JobSpec job = lora_job(1);
  const auto kept = [](const JobSpec& of) {
    const StepProgram program = build_step_program(of);
    return block_memory(program)[block_index(program, "dense_layer forward")].saved.value();
  };
  const std::int64_t plain = kept(job);
  job.lora->dora = true;
  // Of 512 tokens in 2 bytes: unscaled product and adapters' sum of each fused product; norms of 4 bytes a row.
  const std::int64_t rows = 6144 + 4096 + 28672 + 4096;
  CHECK(kept(job) - plain == 512 * 2 * 2 * rows + 4 * rows);
}
