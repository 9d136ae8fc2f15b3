// Passes that are issued in turns: their order, their runs, what waits for what.
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "planner/program/dependencies/task_graph.hpp"
#include "planner/program/schedule/runs.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "tests/planner/program/golden.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::testing;

namespace {

/// "F1.0" is chunk 1's forward pass of micro-batch 0; "&B" is issued in turns with the pass before it.
std::string order_with_turns(const ScheduleShape& shape, std::int32_t stage) {
  std::string text;
  for (const Slot& slot : stage_order(shape, StageId(stage))) {
    if (!text.empty()) text += ' ';
    text += slot.in_turns ? "&" : "";
    text += slot.pass == Pass::forward ? 'F' : 'B';
    if (shape.chunks > 1) text += std::to_string(slot.chunk.value()) + '.';
    text += std::to_string(slot.micro_batch.value());
  }
  return text;
}

Op op_of(const std::string& name, Lane lane, std::vector<Operand> operands) {
  Op op;
  op.name = name;
  op.lane = lane;
  op.kind = lane == Lane::compute ? OpKind(Pointwise{}) : OpKind(Collective{});
  op.operands = std::move(operands);
  return op;
}

Operand reads_of(int tensor) { return {TensorId(tensor), Access::read, 0}; }
Operand writes_of(int tensor) { return {TensorId(tensor), Access::write, 0}; }

/// One stage of `layers` layers. A layer computes a, exchanges x and computes b; backward it computes d, exchanges y
/// and computes e; each needs the one before.
StepProgram two_way_program(std::int32_t layers, std::vector<Slot> order) {
  StepProgram program = golden();
  program.tensors.assign(6, Tensor{});
  program.micro_batches = 2;
  program.blocks = {
      Block{.name = "layer forward", .kind = BlockKind::moe_layer, .pass = Pass::forward, .ops = {}},
      Block{.name = "layer backward", .kind = BlockKind::moe_layer, .pass = Pass::backward, .ops = {}},
      Block{.name = "embedding", .kind = BlockKind::embedding, .pass = Pass::forward, .ops = {}},
      Block{.name = "head", .kind = BlockKind::head, .pass = Pass::backward, .ops = {}}};
  program.blocks[0].ops = {op_of("a", Lane::compute, {writes_of(0)}),
                           op_of("x", Lane::ep, {reads_of(0), writes_of(1)}),
                           op_of("b", Lane::compute, {reads_of(1), writes_of(2)})};
  program.blocks[1].ops = {op_of("d", Lane::compute, {writes_of(3)}),
                           op_of("y", Lane::ep, {reads_of(3), writes_of(4)}),
                           op_of("e", Lane::compute, {reads_of(4), writes_of(5)})};
  Chunk chunk;
  for (std::int32_t layer = 0; layer < layers; ++layer) {
    chunk.forward.push_back({BlockId(0), LayerId(layer)});
    chunk.backward.insert(chunk.backward.begin(), BlockCall{BlockId(1), LayerId(layer)});
  }
  program.stages.assign(
      1, StageProgram{.prologue = {}, .chunks = {chunk}, .order = std::move(order), .epilogue = {}});
  return program;
}

Slot slot(Pass pass, std::int32_t micro_batch, bool in_turns = false) {
  return {pass, ChunkId(0), MicroBatch(micro_batch), in_turns};
}

double length_of(const StepProgram& program) {
  const std::map<std::string, double> seconds{{"a", 1}, {"x", 2}, {"b", 1}, {"d", 1}, {"y", 2}, {"e", 1}};
  return TaskGraph(program)
      .critical_path([&](const Op& op) { return Seconds(seconds.at(op.name)); })
      .length.value();
}

}  // namespace

TEST_CASE("one more forward pass goes before the phase in which passes are issued in turns") {
  CHECK(order_with_turns({ScheduleKind::one_f_one_b, 1, 1, 3, true}, 0) == "F0 F1 &B0 F2 &B1 B2");
  CHECK(order_with_turns({ScheduleKind::one_f_one_b, 1, 1, 1, true}, 0) == "F0 B0");
  // Two stages of two chunks: the last stage warms up with 2 passes without turns, with 3 here.
  CHECK(order_with_turns({ScheduleKind::interleaved, 2, 2, 4, true}, 1) ==
        "F0.0 F0.1 F1.0 F1.1 &B1.0 F0.2 &B1.1 F0.3 &B0.0 F1.2 &B0.1 F1.3 &B1.2 B1.3 B0.2 B0.3");
  CHECK(order_with_turns({ScheduleKind::interleaved, 2, 2, 4}, 1) ==
        "F0.0 F0.1 F1.0 B1.0 F1.1 B1.1 F0.2 B0.0 F0.3 B0.1 F1.2 B1.2 F1.3 B1.3 B0.2 B0.3");
}

TEST_CASE("no pass needs the pass beside it") {
  for (std::int64_t p = 2; p <= 4; ++p) {
    for (std::int64_t v = 2; v <= 3; ++v) {
      for (std::int32_t stage = 0; stage < p; ++stage) {
        const std::vector<Slot> order =
            stage_order({ScheduleKind::interleaved, p, v, 3 * p, true}, StageId(stage));
        std::set<std::pair<int, int>> forward;
        for (std::size_t s = 0; s < order.size(); ++s) {
          const std::pair pass{order[s].chunk.value(), order[s].micro_batch.value()};
          // What a backward pass needs ran before the pass that it is issued in turns with.
          if (order[s].in_turns)
            CHECK(pass != std::pair(order[s - 1].chunk.value(), order[s - 1].micro_batch.value()));
          if (order[s].pass == Pass::backward) CHECK(forward.contains(pass));
          if (order[s].pass == Pass::forward) forward.insert(pass);
        }
      }
    }
  }
}

TEST_CASE("runs of passes in turns stand layer by layer, other blocks before them") {
  StepProgram program = two_way_program(2, {slot(Pass::forward, 0), slot(Pass::forward, 1),
                                            slot(Pass::backward, 0, true), slot(Pass::backward, 1)});
  Chunk& chunk = program.stages[0].chunks[0];
  chunk.forward.insert(chunk.forward.begin(), {BlockId(2), LayerId(0)});
  chunk.backward.insert(chunk.backward.begin(), {BlockId(3), LayerId(2)});
  std::string text;
  for (const Run& run : runs_of(program, StageId(0))) {
    text += run.in_turns ? "&" : " ";
    text += program.block(run.block_call.block).name.substr(0, 1) +
            program.block(run.block_call.block).name.back();
    text += std::to_string(run.block_call.layer.value()) + "." + std::to_string(run.micro_batch.value());
  }
  // eg: embedding, hd: head, ld: "layer forward" (d is its last letter too, as of "layer backward")
  CHECK(text == " eg0.0 ld0.0 ld1.0 eg0.1 hd2.0 ld0.1&ld1.0 ld1.1&ld0.0 hd2.1 ld1.1 ld0.1");
}

TEST_CASE("an exchange runs beside the compute of the other pass") {
  // One after the other: F0 4 s, F1 4 s, B0 4 s, B1 4 s.
  CHECK(length_of(two_way_program(1, {slot(Pass::forward, 0), slot(Pass::forward, 1), slot(Pass::backward, 0),
                                      slot(Pass::backward, 1)})) == Approx(16.0));
  // F1 and B0 in turns from 4 s on, issued d y a x e b: d 4-5, y 5-7, a 5-6, x 7-9 behind y on its lane, e 7-8,
  // b 9-10. Then B1 4 s.
  CHECK(length_of(two_way_program(1, {slot(Pass::forward, 0), slot(Pass::forward, 1),
                                      slot(Pass::backward, 0, true), slot(Pass::backward, 1)})) ==
        Approx(14.0));
}
