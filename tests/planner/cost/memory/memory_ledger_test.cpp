#include "planner/cost/memory/memory_ledger.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "planner/frameworks/framework.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/tiny_program.hpp"

namespace foreshard {
namespace {

// A device on which every tiny program fits.
JobSpec roomy_job() {
  JobSpec job;
  job.cluster.accelerator.memory_capacity = Bytes(std::int64_t{1} << 40);
  return job;
}

std::vector<StageMemory> stages_of(const StepProgram& program) {
  return memory_report(roomy_job(), program).stages;
}

// The figures of the tiny model below, in bytes (sizes of tiny::Sizes; ids 1, hidden 10, inner 100,
// activated 40, d.inner 60, logits 500).
//
// Step tensors. A layer has weight 10,000 + gradient 20,000 + moments 30,000; the first stage also the table
// and its gradient, 50,000 each; each stage the norm, 4.
constexpr std::int64_t kStep0 = 60'000 + 100'000 + 4;
constexpr std::int64_t kStep1 = 60'000 + 4;
// Stage 0, forward: the embedding holds ids 1, hidden[0] 10; the layer adds inner 100, activated 40,
// hidden[1] 10: 161. Once sent, ids, hidden[0] and inner stay for backward: 111.
constexpr std::int64_t kForward0 = 161;
constexpr std::int64_t kSaved0 = 111;
// Stage 0, backward: 111, d.hidden[1] arrives 10, d.inner 60: 181, then everything falls.
constexpr std::int64_t kBackward0 = 181;
// Stage 1, forward: hidden[1] 10, inner 100, hidden[2] 10 and the logits 500 all stay: 620.
constexpr std::int64_t kSaved1 = 620;
// Stage 1, backward: the head writes d.hidden[2] 10 while its inputs still live: 630. The layer follows
// without the logits: at most 10 + 10 + 100 + 60.
constexpr std::int64_t kBackward1 = 630;

}  // namespace

TEST_CASE("a single micro-batch peaks in the first operation of the layer's backward") {
  StepProgram program = tiny::two_stages(1);
  program.stages[0].order = tiny::gpipe_order(1);
  program.stages[1].order = tiny::gpipe_order(1);
  const std::vector<StageMemory> stages = stages_of(program);
  REQUIRE(stages.size() == 2);

  CHECK(stages[0].weights == Bytes(10'000 + 50'000));
  CHECK(stages[0].gradients == Bytes(20'000 + 50'000));
  CHECK(stages[0].optimizer == Bytes(30'000));
  CHECK(stages[0].activations == Bytes(1 + 10 + 100));  // ids, hidden[0], inner
  CHECK(stages[0].buffers == Bytes(4 + 10 + 60));       // norm, d.hidden[1], d.inner
  CHECK(stages[0].peak == Bytes(kStep0 + kBackward0));
  CHECK(stages[0].in_flight == 1);
  CHECK(stages[0].peak_block == "layer backward");

  CHECK(stages[1].weights == Bytes(10'000));
  CHECK(stages[1].gradients == Bytes(20'000));
  CHECK(stages[1].optimizer == Bytes(30'000));
  CHECK(stages[1].activations == Bytes(10 + 100 + 10 + 500));  // hidden[1], inner, hidden[2], logits
  CHECK(stages[1].buffers == Bytes(4 + 10));                   // norm, d.hidden[2]
  CHECK(stages[1].peak == Bytes(kStep1 + kBackward1));
  CHECK(stages[1].in_flight == 1);
  CHECK(stages[1].peak_block == "head backward");
}

TEST_CASE("gpipe keeps every micro-batch: the peak grows by what one saves") {
  const int m = GENERATE(1, 2, 4);
  StepProgram program = tiny::two_stages(m);
  for (StageProgram& stage : program.stages) stage.order = tiny::gpipe_order(m);
  const std::vector<StageMemory> stages = stages_of(program);
  // The first backward finds the other m − 1 micro-batches saved.
  CHECK(stages[0].peak == Bytes(kStep0 + (m - 1) * kSaved0 + kBackward0));
  CHECK(stages[0].activations == Bytes(m * kSaved0));
  CHECK(stages[0].in_flight == m);
  CHECK(stages[1].peak == Bytes(kStep1 + (m - 1) * kSaved1 + kBackward1));
  CHECK(stages[1].activations == Bytes(m * kSaved1));
  CHECK(stages[1].in_flight == m);
}

TEST_CASE("1f1b keeps as many micro-batches as there are stages from here to the last") {
  const int m = GENERATE(1, 2, 4);
  StepProgram program = tiny::two_stages(m);
  program.stages[0].order = tiny::one_f_one_b_order(2, 0, m);
  program.stages[1].order = tiny::one_f_one_b_order(2, 1, m);
  const std::vector<StageMemory> stages = stages_of(program);
  // Stage 0 runs F0 F1 B0 …: one other micro-batch is saved during a backward, none if there is but one.
  const int others = m == 1 ? 0 : 1;
  CHECK(stages[0].peak == Bytes(kStep0 + others * kSaved0 + kBackward0));
  CHECK(stages[0].in_flight == 1 + others);
  // Stage 1 runs F0 B0 F1 B1 …: no other micro-batch is ever saved.
  CHECK(stages[1].peak == Bytes(kStep1 + kBackward1));
  CHECK(stages[1].in_flight == 1);
}

TEST_CASE("1f1b on any stage of a long pipeline") {
  const int p = 6;
  const int s = GENERATE(0, 1, 4, 5);
  StepProgram program = tiny::two_stages(64);
  program.stages[0].order = tiny::one_f_one_b_order(p, s, 64);
  const StageMemory stage = stages_of(program)[0];
  const int in_flight = p - s;
  CHECK(stage.in_flight == in_flight);
  CHECK(stage.peak == Bytes(kStep0 + (in_flight - 1) * kSaved0 + kBackward0));
}

TEST_CASE("a forward pass is the peak where backward needs less") {
  // d.inner 1: backward reaches 111 + 10 + 1 = 122, forward still 161.
  StepProgram program = tiny::two_stages(3, {.d_inner = 1});
  program.stages[0].order = tiny::gpipe_order(3);
  const StageMemory stage = stages_of(program)[0];
  CHECK(stage.peak == Bytes(kStep0 + 2 * kSaved0 + kForward0));
  CHECK(stage.in_flight == 3);  // the third micro-batch is in flight
  CHECK(stage.peak_block == "layer forward");
  // Two saved, and ids, hidden[0], inner, hidden[1] of the third; its temporary is a buffer.
  CHECK(stage.activations == Bytes(2 * 111 + 1 + 10 + 100 + 10));
  CHECK(stage.buffers == Bytes(4 + 40));
}

TEST_CASE("layers add what they save, and nothing else") {
  const int layers = GENERATE(1, 2, 40);
  SECTION("with large logits the head is the peak") {
    const StageMemory stage = stages_of(tiny::one_stage(2, layers))[0];
    // ids 1, hidden[0] 10, per layer inner 100 and its output 10, logits 500.
    CHECK(stage.activations == Bytes(1 + 10 + layers * 110 + 500));
    CHECK(stage.buffers == Bytes(4 + 10));  // norm, d.hidden
    CHECK(stage.peak_block == "head backward");
  }
  SECTION("with small ones it is the last layer") {
    const StageMemory stage = stages_of(tiny::one_stage(2, layers, {.logits = 5}))[0];
    // ids 1, per layer its input 10 and inner 100: logits and the last hidden are gone.
    CHECK(stage.activations == Bytes(1 + layers * 110));
    CHECK(stage.buffers == Bytes(4 + 10 + 60));  // norm, d.hidden, d.inner
    CHECK(stage.peak_block == "layer backward");
  }
  SECTION("step tensors count once per layer, shared ones once") {
    const StageMemory stage = stages_of(tiny::one_stage(2, layers))[0];
    CHECK(stage.weights == Bytes(layers * 10'000 + 50'000));
    CHECK(stage.gradients == Bytes(layers * 20'000 + 50'000));
    CHECK(stage.optimizer == Bytes(layers * 30'000));
  }
}

TEST_CASE("the optimizer can be the peak") {
  const StageMemory stage = stages_of(tiny::one_stage(2, 2, {.update_scratch = 5'000}))[0];
  CHECK(stage.activations == Bytes(0));
  CHECK(stage.buffers == Bytes(4 + 5'000));
  CHECK(stage.in_flight == 0);
  CHECK(stage.peak_block == "update");
  CHECK(stage.peak == Bytes(2 * 60'000 + 100'000 + 4 + 5'000));
}

TEST_CASE("the prologue can be the peak") {
  tiny::ProgramBuilder build(tiny::one_stage(1, 1));
  const TensorId scratch = build.tensor("scratch", TensorRole::buffer, Lifetime::block, 9'000);
  const BlockId begin = build.block("begin", Pass::once, {tiny::op("fill", {tiny::write(scratch)})});
  StepProgram& program = build.program();
  program.stages[0].prologue = {{begin, LayerId(0)}};
  const StageMemory stage = stages_of(program)[0];
  CHECK(stage.buffers == Bytes(4 + 9'000));
  CHECK(stage.in_flight == 0);
  CHECK(stage.peak_block == "begin");
}

TEST_CASE("chunks of a stage save each their own") {
  // Stage 0 of two holds layers 0 and 2. Both forwards run before the first backward.
  StepProgram program = tiny::two_stages(1);
  StageProgram& stage = program.stages[0];
  Chunk second = stage.chunks[0];
  for (std::vector<BlockCall>* block_calls : {&second.forward, &second.backward}) {
    for (BlockCall& block_call : *block_calls) block_call.layer = LayerId(2);
  }
  // The second chunk receives its input from and sends its gradient to stage 1, which keeps those blocks.
  second.forward[0].block = program.stages[1].chunks[0].forward[0].block;
  second.backward[2].block = program.stages[1].chunks[0].backward[2].block;
  stage.chunks.push_back(second);
  stage.order = {tiny::forward(0, 0), tiny::forward(1, 0), tiny::backward(1, 0), tiny::backward(0, 0)};

  const StageMemory memory = stages_of(program)[0];
  // Chunk 1 saves hidden[2] 10 and inner 100; its backward also holds d.hidden[3] 10 and d.inner 60.
  CHECK(memory.activations == Bytes(kSaved0 + 110));
  CHECK(memory.buffers == Bytes(4 + 70));
  CHECK(memory.in_flight == 2);
  CHECK(memory.weights == Bytes(2 * 10'000 + 50'000));
}

TEST_CASE("only the last micro-batch runs the synchronisation in its backward") {
  const std::int64_t bucket = GENERATE(250, 300);
  tiny::ProgramBuilder build(tiny::two_stages(2));
  const TensorId packed = build.tensor("bucket", TensorRole::buffer, Lifetime::block, bucket);
  const BlockId sync = build.block("sync", Pass::once, {tiny::op("pack", {tiny::write(packed)})});
  StepProgram& program = build.program();
  Chunk& chunk = program.stages[0].chunks[0];
  chunk.last_backward = chunk.backward;
  chunk.last_backward.insert(chunk.last_backward.end() - 1, {sync, LayerId(0)});
  program.stages[0].order = tiny::one_f_one_b_order(2, 0, 2);

  // F0 F1 B0 B1. B0 has one other saved: 111 + 181 = 292. B1 has none, and synchronises when ids 1 and
  // d.hidden[0] 10 are left: 11 + bucket.
  const StageMemory stage = stages_of(program)[0];
  if (bucket == 250) {
    CHECK(stage.peak == Bytes(kStep0 + 292));
    CHECK(stage.peak_block == "layer backward");
  } else {
    CHECK(stage.peak == Bytes(kStep0 + 311));
    CHECK(stage.peak_block == "sync");
    CHECK(stage.in_flight == 1);
  }
}

TEST_CASE("gathered weights live for their visit, with those gathered ahead") {
  const int ahead = GENERATE(0, 1, 2);
  tiny::ProgramBuilder build;
  const TensorId shard = build.tensor("shard", TensorRole::weight, Lifetime::step, 250);
  const TensorId full = build.tensor("full", TensorRole::weight, Lifetime::layer, 1'000);
  const TensorId d_shard = build.tensor("d.shard", TensorRole::gradient, Lifetime::step, 250);
  const TensorId d_full = build.tensor("d.full", TensorRole::gradient, Lifetime::block, 1'000);
  const TensorId hidden = build.tensor("hidden", TensorRole::activation, Lifetime::micro_batch, 10);
  const TensorId d_hidden =
      build.tensor("d.hidden", TensorRole::activation_gradient, Lifetime::micro_batch, 10);
  Op gather = tiny::op("gather", {tiny::read(shard), tiny::write(full)});
  gather.prefetch_blocks = static_cast<std::int8_t>(ahead);
  const BlockId forward = build.block(
      "forward", Pass::forward,
      {gather, tiny::op("multiply", {tiny::read(hidden), tiny::read(full), tiny::write(hidden, 1)})});
  const BlockId backward =
      build.block("backward", Pass::backward,
                  {gather,
                   tiny::op("d.multiply", {tiny::read(d_hidden, 1), tiny::read(hidden), tiny::read(full),
                                           tiny::write(d_full), tiny::write(d_hidden)}),
                   tiny::op("reduce-scatter", {tiny::read(d_full), tiny::add_to(d_shard)})});
  StepProgram& program = build.program();
  StageProgram stage;
  stage.chunks.resize(1);
  for (int layer = 0; layer < 3; ++layer) stage.chunks[0].forward.push_back({forward, LayerId(layer)});
  for (int layer = 2; layer >= 0; --layer) stage.chunks[0].backward.push_back({backward, LayerId(layer)});
  stage.order = {tiny::forward(0, 0), tiny::backward(0, 0)};
  program.stages = {stage};

  // Peak in layer 2's backward: hidden[0 … 2] 30, the full weight and those ahead, its gradient 1,000,
  // d.hidden[3] and d.hidden[2] 10 each.
  const StageMemory memory = stages_of(program)[0];
  CHECK(memory.weights == Bytes(3 * 250));
  CHECK(memory.gradients == Bytes(3 * 250));
  CHECK(memory.activations == Bytes(30));
  CHECK(memory.buffers == Bytes((ahead + 1) * 1'000 + 1'000 + 20));
  CHECK(memory.peak_block == "backward");
}

TEST_CASE("a layer tensor that a later visit reads is kept until then") {
  // Full gradients of two layers wait for one reduce-scatter, then for the next two.
  tiny::ProgramBuilder build;
  const TensorId full = build.tensor("d.full", TensorRole::gradient, Lifetime::layer, 1'000);
  const TensorId shard = build.tensor("d.shard", TensorRole::gradient, Lifetime::step, 250);
  const BlockId backward = build.block("backward", Pass::backward, {tiny::op("d.w", {tiny::write(full)})});
  const BlockId sync = build.block(
      "sync", Pass::once,
      {tiny::op("reduce-scatter",
                {tiny::read(full), tiny::read(full, 1), tiny::add_to(shard), tiny::add_to(shard, 1)})});
  StepProgram& program = build.program();
  StageProgram stage;
  stage.chunks.resize(1);
  stage.chunks[0].backward = {{backward, LayerId(3)}, {backward, LayerId(2)}, {sync, LayerId(2)},
                              {backward, LayerId(1)}, {backward, LayerId(0)}, {sync, LayerId(0)}};
  stage.order = {tiny::forward(0, 0), tiny::backward(0, 0)};
  program.stages = {stage};

  const StageMemory memory = stages_of(program)[0];
  CHECK(memory.gradients == Bytes(4 * 250));
  CHECK(memory.buffers == Bytes(2 * 1'000));
}

TEST_CASE("what one block saves, releases and needs at most") {
  const StepProgram program = tiny::one_stage(1, 3);
  const std::vector<BlockMemory> memory = block_memory(program);
  const auto of = [&](const std::string& name) {
    for (std::size_t block = 0; block < program.blocks.size(); ++block) {
      if (program.blocks[block].name == name) return memory[block];
    }
    FAIL("no block " << name);
    return BlockMemory{};
  };
  REQUIRE(memory.size() == program.blocks.size());

  CHECK(of("embedding forward").saved == Bytes(1 + 10));  // ids, hidden
  CHECK(of("embedding forward").released == Bytes(0));
  CHECK(of("embedding forward").peak == Bytes(11));

  CHECK(of("layer forward").saved == Bytes(100 + 10));  // inner, the next hidden
  CHECK(of("layer forward").released == Bytes(0));      // its input is read again in backward
  CHECK(of("layer forward").peak == Bytes(100 + 40 + 10));

  CHECK(of("head backward").saved == Bytes(10));           // d.hidden
  CHECK(of("head backward").released == Bytes(500 + 10));  // logits, the last hidden
  CHECK(of("head backward").peak == Bytes(10));

  CHECK(of("layer backward").saved == Bytes(10));                // d.hidden of its input
  CHECK(of("layer backward").released == Bytes(10 + 100 + 10));  // d.hidden of its output, inner, hidden
  CHECK(of("layer backward").peak == Bytes(60));                 // d.inner, before anything is freed

  CHECK(of("update").peak == Bytes(7));
  CHECK(of("send forward").peak == Bytes(0));  // not in this program's block calls

  // The bytes that forward saves and does not release are what gpipe keeps per micro-batch: 511 + 110 per
  // layer.
  const Bytes kept = of("embedding forward").saved + 3 * of("layer forward").saved + of("head forward").saved;
  CHECK(kept == Bytes(511 + 3 * 110));
}

TEST_CASE("peaks are never below the step tensors, and their parts add up") {
  const int m = GENERATE(1, 3, 9);
  const int layers = GENERATE(1, 7);
  const MemoryReport report = memory_report(roomy_job(), tiny::one_stage(m, layers));
  for (const StageMemory& stage : report.stages) {
    CHECK(stage.peak ==
          stage.weights + stage.gradients + stage.optimizer + stage.activations + stage.buffers);
    CHECK(stage.peak > stage.weights + stage.gradients + stage.optimizer);
  }
}

TEST_CASE("the report compares the worst stage with the device") {
  StepProgram program = tiny::two_stages(4);
  program.stages[0].order = tiny::one_f_one_b_order(2, 0, 4);
  program.stages[1].order = tiny::one_f_one_b_order(2, 1, 4);
  const auto framework = GENERATE(Framework::megatron, Framework::torch_fsdp, Framework::foreshard);
  const FrameworkConventions conventions = framework_conventions(framework);
  JobSpec job = roomy_job();
  job.framework = framework;

  const MemoryReport report = memory_report(job, program);
  CHECK(report.worst_stage == 0);
  CHECK(report.peak == Bytes(kStep0 + kSaved0 + kBackward0));
  CHECK(report.context == conventions.context);
  CHECK(report.reserved.as_double() ==
        Approx(report.peak.as_double() * (1.0 + conventions.fragmentation)).epsilon(0).margin(0.5));
  CHECK(report.capacity == Bytes(std::int64_t{1} << 40));
  CHECK(report.fits);

  SECTION("it fits to the last byte") {
    job.cluster.accelerator.memory_capacity = report.reserved + report.context;
    CHECK(memory_report(job, program).fits);
    job.cluster.accelerator.memory_capacity -= Bytes(1);
    CHECK_FALSE(memory_report(job, program).fits);
  }
  SECTION("a CPU has no context beside its tensors") {
    job.cluster.accelerator.is_cpu = true;
    job.cluster.accelerator.memory_capacity = report.reserved;
    CHECK(memory_report(job, program).context == Bytes(0));
    CHECK(memory_report(job, program).fits);
  }
  SECTION("the worst stage is where the peak is, wherever that is") {
    std::swap(program.stages[0], program.stages[1]);
    CHECK(memory_report(job, program).worst_stage == 1);
    CHECK(memory_report(job, program).peak == report.peak);
  }
}

}  // namespace foreshard
