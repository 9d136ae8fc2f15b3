// The memory of passes that are issued in turns.
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/tiny_program.hpp"

namespace foreshard {
namespace {

Op exchange_of_tokens(std::vector<Operand> operands) {
  Op op = tiny::op("exchange", std::move(operands));
  op.kind = Collective{};
  op.lane = Lane::ep;
  return op;
}

/// One layer, two micro-batches: F0, then F1 and B0 in turns, then B1.
///   forward   a: writes packed (1,500)    x: packed to kept (100)     b: reads kept
///   backward  d: kept to d.sent (1,000)   y: d.sent to d.got (2,000)  e: reads d.got
StepProgram program_in_turns() {
  tiny::ProgramBuilder build;
  const TensorId packed = build.tensor("packed", TensorRole::activation, Lifetime::block, 1'500);
  const TensorId kept = build.tensor("kept", TensorRole::activation, Lifetime::micro_batch, 100);
  const TensorId d_sent = build.tensor("d.sent", TensorRole::activation_gradient, Lifetime::block, 1'000);
  const TensorId d_got = build.tensor("d.got", TensorRole::activation_gradient, Lifetime::block, 2'000);
  const BlockId forward = build.block(
      "layer forward", Pass::forward,
      {tiny::op("a", {tiny::write(packed)}), exchange_of_tokens({tiny::read(packed), tiny::write(kept)}),
       tiny::op("b", {tiny::read(kept)})});
  const BlockId backward = build.block(
      "layer backward", Pass::backward,
      {tiny::op("d", {tiny::read(kept), tiny::write(d_sent)}),
       exchange_of_tokens({tiny::read(d_sent), tiny::write(d_got)}), tiny::op("e", {tiny::read(d_got)})});
  Chunk chunk;
  chunk.forward = {{forward, LayerId(0)}};
  chunk.backward = {{backward, LayerId(0)}};
  StageProgram stage;
  stage.chunks = {chunk};
  stage.order = {tiny::forward(0, 0), tiny::forward(0, 1), tiny::forward(0, 0), tiny::forward(0, 1)};
  for (const std::size_t backward_slot : {2U, 3U}) stage.order[backward_slot].pass = Pass::backward;
  stage.order[2].in_turns = true;
  StepProgram& program = build.program();
  for (Block& block : program.blocks) block.kind = BlockKind::moe_layer;
  program.micro_batches = 2;
  program.stages = {stage};
  return program;
}

}  // namespace

TEST_CASE("passes in turns hold what both need at a time, operation by operation") {
  const StepProgram program = program_in_turns();
  // F0 alone: a 1,500, x 1,600, b 100; kept stays. B1 alone: d 1,100, y 3,000, e 2,000.
  // F1 and B0 are issued d y a x e b. B0 finds its kept, 100:
  //   d 100 + 1,000   y 1,000 + 2,000   a 2,000 + 1,500   x 2,000 + 1,500 + 100   e 2,000 + 100   b 100
  CHECK(memory_of_block_calls(program, StageId(0)) ==
        std::vector<Bytes>{Bytes(1'600), Bytes(3'600), Bytes(3'000), Bytes(3'000)});
  JobSpec job;
  job.cluster.accelerator.memory_capacity = Bytes(1'000'000);
  const StageMemory stage = memory_report(job, program).stages.front();
  CHECK(stage.peak == Bytes(3'600));
  CHECK(stage.activations == Bytes(100));
  CHECK(stage.buffers == Bytes(3'500));
  CHECK(stage.in_flight == 2);
  CHECK(stage.peak_block == "layer forward");
}

}  // namespace foreshard
