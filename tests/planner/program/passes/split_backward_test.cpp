#include "planner/program/passes/split_backward.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "tests/planner/program/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;
using namespace foreshard::testing;

namespace {

/// Three layers on three stages; one sequence of four tokens, width 8, FFN 16, four heads of two, two kv
/// heads.
JobSpec three_stages() {
  JobSpec job = golden_job();
  job.model.layers = 3;
  job.cluster = round_cluster(1, 3);
  job.parallelism.tp = 1;
  job.parallelism.pp = 3;
  job.training.global_batch = 3;
  job.training.schedule = ScheduleKind::zero_bubble;
  return job;
}

JobSpec with_schedule(JobSpec job, ScheduleKind schedule) {
  job.training.schedule = schedule;
  return job;
}

/// "down:w" for the weight gradient of "down", "down" for its other phases.
std::vector<std::string> names_of(const Block& block) {
  std::vector<std::string> names;
  for (const Op& op : block.ops) names.push_back(op.name + (op.phase == Phase::backward_weight ? ":w" : ""));
  return names;
}

using Names = std::vector<std::string>;

/// Bytes of one micro-batch that a stage's weight pass reads, which backward must therefore keep.
std::int64_t kept_for_weights(const StepProgram& program, std::size_t stage) {
  std::set<std::pair<TensorId, int>> met;
  std::int64_t bytes = 0;
  for (const BlockCall& block_call : program.stages[stage].chunks[0].weight) {
    for (const Op& op : program.block(block_call.block).ops) {
      for (const Operand& operand : op.operands) {
        const Tensor& tensor = program.tensor(operand.tensor);
        const int layer = tensor.per_layer ? block_call.layer.value() + operand.layer_shift : 0;
        if (tensor.lifetime != Lifetime::micro_batch) continue;
        if (met.insert({operand.tensor, layer}).second) bytes += tensor.local_bytes().value();
      }
    }
  }
  return bytes;
}

/// Runs `check` on random legal zero-bubble jobs.
template <class Check>
void for_zero_bubble_jobs(std::uint64_t seed, Check check) {
  JobDraw draw(seed);
  for (int found = 0; found < 60;) {
    const JobSpec job = draw.next();
    if (job.training.schedule != ScheduleKind::zero_bubble) continue;
    ++found;
    INFO(words_for(job));
    check(job);
  }
}

}  // namespace

TEST_CASE("a layer's backward splits into the way to its input gradient and its weight gradients") {
  StepProgram program = build_step_program(three_stages());
  CHECK(names_of(block_named(program, "dense_layer backward")) ==
        Names{"down", "swiglu", "gate_up", "ffn norm", "out", "attention", "rope", "qkv", "attention norm"});
  CHECK(names_of(block_named(program, "dense_layer weight")) ==
        Names{"down:w", "gate_up:w", "out:w", "qkv:w"});
  CHECK(block_named(program, "dense_layer weight").pass == Pass::weight);
  CHECK(block_named(program, "dense_layer weight").kind == BlockKind::dense_layer);
  // No operation waits for the gradient of an embedding table.
  CHECK(names_of(block_named(program, "embedding backward")).empty());
  CHECK(names_of(block_named(program, "embedding weight")) == Names{"embedding:w"});
  CHECK(names_of(block_named(program, "head weight")) == Names{"logits:w"});
}

TEST_CASE("a stage visits its weight blocks in the order of backward, synchronisation in the last of them") {
  JobSpec job = three_stages();
  job.cluster = round_cluster(1, 6);
  job.parallelism.dp = 2;
  job.training.global_batch = 6;
  job.training.overlap.dp = true;
  const StepProgram program = build_step_program(job);
  const Chunk& first = program.stages[0].chunks[0];
  const BlockCall layer{block_id(program, "dense_layer weight"), LayerId(0)};
  const BlockCall table{block_id(program, "embedding weight"), LayerId(0)};
  CHECK(first.weight == std::vector<BlockCall>{layer, table});
  CHECK(first.last_backward.empty());
  REQUIRE(first.last_weight.size() > 2);
  std::vector<BlockCall> without_sync = first.last_weight;
  std::erase_if(without_sync, [&](const BlockCall& block_call) {
    return program.block(block_call.block).kind == BlockKind::sync;
  });
  CHECK(without_sync == first.weight);
  CHECK(program.block(first.last_weight.back().block).kind == BlockKind::sync);
  CHECK(program.stages[2].chunks[0].weight.front() ==
        BlockCall{block_id(program, "head weight"), LayerId(3)});
}

TEST_CASE("gathers that only weight gradients read go with them, the others stay") {
  JobSpec job = three_stages();
  job.framework = Framework::megatron;  // gathers inputs again in backward
  job.cluster = round_cluster(3, 2);
  job.parallelism.tp = 2;
  job.parallelism.sequence_parallel = true;
  StepProgram program = build_step_program(job);
  const auto gathers = [&](const char* block) {
    std::vector<std::string> tensors;
    for (const Op& op : block_named(program, block).ops) {
      const auto* collective = std::get_if<Collective>(&op.kind);
      if (collective == nullptr || collective->kind != CollectiveKind::all_gather) continue;
      tensors.push_back(program.tensor(op.operands[1].tensor).label);
    }
    return tensors;
  };
  CHECK(gathers("dense_layer weight") ==
        Names{"layer.ffn_norm.out.full.regathered", "layer.attn_norm.out.full.regathered"});
  // Both products read the gradient of the scattered tensor.
  CHECK(gathers("dense_layer backward") == Names{"d.layer.down", "d.layer.out"});
  CHECK(tensor_named(program, "d.layer.down").lifetime == Lifetime::micro_batch);
  CHECK(tensor_named(program, "layer.ffn_norm.out.full.regathered").lifetime == Lifetime::block);
}

TEST_CASE("what a weight pass reads is kept, byte by byte") {
  // T 4, D 8, F 16, 2 bytes: T·D is 64 bytes, T·F 128, qkv (4 + 2·2)·2 = 16 columns 128, gate and up 256.
  const StepProgram program = build_step_program(three_stages());
  const std::vector<BlockMemory> memory = block_memory(program);
  // Inputs of qkv, out, gate_up: 64 each, of down: 128. Gradients of their outputs: 128, 64, 256, 64.
  CHECK(kept_for_weights(program, 1) == 3 * 64 + 128 + 128 + 64 + 256 + 64);
  CHECK(memory[block_id(program, "dense_layer weight").at()].released == Bytes(832));
  // Backward is the first to make d.qkv, d.mid, d.gate_up and what it passes on to the layer below.
  CHECK(memory[block_id(program, "dense_layer backward").at()].saved == Bytes(128 + 64 + 256 + 64));
}

TEST_CASE("an operation that would change what a weight gradient reads later is refused") {
  const JobSpec job = three_stages();
  ProgramBuilder builder(job);
  const auto add = [&](const char* name) {
    Tensor tensor;
    tensor.label = name;
    return builder.add(std::move(tensor));
  };
  const TensorId dy = add("dy");
  const TensorId dw = add("dw");
  Block backward{
      .name = "dense_layer backward", .kind = BlockKind::dense_layer, .pass = Pass::backward, .ops = {}};
  backward.ops = {compute_op("fill", Component::ffn, Phase::backward_input, Pointwise{PointwiseKind::zero, 1},
                             {writes(dy)}),
                  compute_op("up", Component::ffn, Phase::backward_weight, Gemm{}, {reads(dy), adds_to(dw)}),
                  compute_op("more", Component::ffn, Phase::backward_input, Pointwise{PointwiseKind::zero, 1},
                             {adds_to(dy)})};
  CHECK_THROWS_WITH(split_backward(builder, backward),
                    ContainsSubstring("\"more\" changes dy, which a weight gradient reads later"));
}

TEST_CASE("zero-bubble programs of random jobs are sound") {
  for_zero_bubble_jobs(1, [](const JobSpec& job) {
    const StepProgram program = build_step_program(job);
    CHECK(check_program(program) == std::vector<std::string>{});
    for (const Block& block : program.blocks) {
      const bool has_weights = std::any_of(block.ops.begin(), block.ops.end(),
                                           [](const Op& op) { return op.phase == Phase::backward_weight; });
      if (block.pass == Pass::backward) CHECK_FALSE(has_weights);
    }
  });
}

TEST_CASE("zero-bubble does the work of 1f1b") {
  for_zero_bubble_jobs(2, [](const JobSpec& job) {
    const Estimate split = estimate(job);
    const Estimate whole = estimate(with_schedule(job, ScheduleKind::one_f_one_b));
    CHECK(split.parameters.total == whole.parameters.total);
    CHECK(split.flops_per_token.training == whole.flops_per_token.training);
    CHECK(split.step.model_flops == whole.step.model_flops);
    CHECK(split.step.hardware_flops == whole.step.hardware_flops);
    for (std::size_t axis = 0; axis < kCommAxisCount; ++axis) {
      INFO("axis " << axis);
      CHECK(split.communication[axis].bytes_per_device == whole.communication[axis].bytes_per_device);
      CHECK(split.communication[axis].calls == whole.communication[axis].calls);
    }
    for (std::size_t s = 0; s < split.memory.stages.size(); ++s) {
      CHECK(split.memory.stages[s].weights == whole.memory.stages[s].weights);
      CHECK(split.memory.stages[s].gradients == whole.memory.stages[s].gradients);
      CHECK(split.memory.stages[s].optimizer == whole.memory.stages[s].optimizer);
    }
  });
}

TEST_CASE("zero-bubble holds what 1f1b holds and what weight passes are still to read") {
  for_zero_bubble_jobs(3, [](const JobSpec& job) {
    const StepProgram program = build_step_program(job);
    const MemoryReport split = memory_report(job, program);
    const JobSpec plain = with_schedule(job, ScheduleKind::one_f_one_b);
    const MemoryReport whole = memory_report(plain, build_step_program(plain));
    for (std::size_t s = 0; s < split.stages.size(); ++s) {
      // Stage s has postponed s weight passes when the next backward adds its own.
      const std::int64_t put_off = std::min(program.micro_batches, static_cast<std::int64_t>(s) + 1);
      const Bytes kept(kept_for_weights(program, s));
      INFO("stage " << s << ", " << kept.value() << " bytes kept for each weight pass");
      CHECK(split.stages[s].peak.value() <= (whole.stages[s].peak + kept * put_off).value());
    }
  });
}

TEST_CASE("without recomputation zero-bubble keeps no more activations on any stage than p micro-batches'") {
  // The stages of one layer each: what 1f1b keeps on the first of them, but for the embedding and the head.
  JobSpec job = three_stages();
  job.model.layers = 5;
  job.parallelism.pp = 5;
  job.cluster = round_cluster(1, 5);
  job.training.global_batch = 12;
  const MemoryReport split = memory_report(job, build_step_program(job));
  const JobSpec plain = with_schedule(job, ScheduleKind::one_f_one_b);
  const StepProgram whole = build_step_program(plain);
  const std::vector<BlockMemory> memory = block_memory(whole);
  // A layer saves its share, and its stage the received input.
  const Bytes saved = memory[block_id(whole, "dense_layer forward").at()].saved +
                      memory[block_id(whole, "receive forward").at()].saved;
  for (std::size_t s = 1; s + 1 < split.stages.size(); ++s) {
    INFO("stage " << s);
    CHECK(split.stages[s].activations <= saved * 5);
  }
}
