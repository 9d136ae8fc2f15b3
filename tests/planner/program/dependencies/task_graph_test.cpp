#include "planner/program/dependencies/task_graph.hpp"

#include <algorithm>
#include <map>

#include "tests/planner/program/golden.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::testing;

namespace {

/// One stage, one block, no schedule: operations with names of their own, run once from the prologue.
struct Tiny {
  StepProgram program;

  Tiny() {
    program = golden();
    program.tensors.clear();
    program.blocks = {Block{.name = "tiny", .kind = BlockKind::sync, .pass = Pass::once, .ops = {}}};
    program.stages.assign(1, StageProgram{});
    program.stages[0].prologue = {{BlockId(0), LayerId(0)}};
  }
  /// Operands as in the JSON form, without spaces: "rx" reads x.
  Op& add(const std::string& name, Lane lane, const std::vector<std::string>& operands,
          std::size_t block = 0) {
    Op op;
    op.name = name;
    op.lane = lane;
    if (lane == Lane::compute)
      op.kind = Pointwise{};
    else
      op.kind = Collective{};
    for (const std::string& text : operands) {
      const Access access = text[0] == 'r'   ? Access::read
                            : text[0] == 'w' ? Access::write
                                             : Access::accumulate;
      op.operands.push_back({tensor(text.substr(1)), access, 0});
    }
    return program.blocks[block].ops.emplace_back(op);
  }
  TensorId tensor(const std::string& name) {
    for (std::size_t i = 0; i < program.tensors.size(); ++i) {
      if (program.tensors[i].label == name) return TensorId(i);
    }
    program.tensors.emplace_back().label = name;
    return TensorId(program.tensors.size() - 1);
  }
};

using Indices = std::vector<std::size_t>;

std::function<Seconds(const Op&)> durations(std::map<std::string, double> seconds) {
  return [seconds](const Op& op) { return Seconds(seconds.at(op.name)); };
}

Indices tasks_of(const CriticalPath& path) {
  Indices ops;
  for (const TaskRef& task : path.tasks) ops.push_back(task.op.at());
  return ops;
}

/// The index of the first task of this block and operation on a stage.
std::size_t find_task(const TaskGraph& graph, StepProgram& program, int stage, const char* block,
                      const char* op, int micro_batch) {
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const TaskRef& task = graph.task(i);
    const Block& candidate = program.block(task.block);
    if (task.stage == StageId(stage) && task.micro_batch == MicroBatch(micro_batch) &&
        candidate.name == block && candidate.ops[task.op.at()].name == op) {
      return i;
    }
  }
  FAIL("no task " << block << " / " << op);
  return 0;
}

}  // namespace

TEST_CASE("a write is waited for by reads, and waits for the reads before it") {
  Tiny tiny;
  tiny.add("write", Lane::compute, {"wx"});
  tiny.add("read on tp", Lane::tp, {"rx", "wy"});
  tiny.add("read on dp", Lane::dp, {"rx", "wz"});
  tiny.add("write again", Lane::ep, {"wx"});
  tiny.add("update", Lane::world, {"ax"});
  const TaskGraph graph(tiny.program);
  REQUIRE(graph.size() == 5);
  CHECK(graph.dependencies(0) == Indices{});
  CHECK(graph.dependencies(1) == Indices{0});
  CHECK(graph.dependencies(2) == Indices{0});
  CHECK(graph.dependencies(3) == Indices{0, 1, 2});  // output, then anti-dependencies
  CHECK(graph.dependencies(4) == Indices{3});
}

TEST_CASE("lanes are first-in first-out; lanes beside each other are free") {
  Tiny tiny;
  tiny.add("a", Lane::compute, {"wa"});
  tiny.add("p", Lane::tp, {"wp"});
  tiny.add("b", Lane::compute, {"wb"});
  tiny.add("q", Lane::tp, {"wq"});
  const TaskGraph graph(tiny.program);
  CHECK(graph.dependencies(1) == Indices{});
  CHECK(graph.dependencies(2) == Indices{0});
  CHECK(graph.dependencies(3) == Indices{1});
}

TEST_CASE("communication that does not overlap waits for compute, and compute for it") {
  Tiny tiny;
  tiny.add("a", Lane::compute, {"wa"});
  tiny.add("p", Lane::tp, {"wp"}).after_compute = true;
  tiny.add("b", Lane::compute, {"wb"});
  tiny.add("q", Lane::tp, {"wq"}).blocks_compute = true;
  tiny.add("r", Lane::dp, {"wr"}).blocks_compute = true;
  tiny.add("c", Lane::compute, {"wc"});
  tiny.add("d", Lane::compute, {"wd"});
  const TaskGraph graph(tiny.program);
  CHECK(graph.dependencies(1) == Indices{0});        // after_compute
  CHECK(graph.dependencies(2) == Indices{0});        // p holds nothing
  CHECK(graph.dependencies(5) == Indices{2, 3, 4});  // q and r hold c …
  CHECK(graph.dependencies(6) == Indices{5});        // … and only c
}

TEST_CASE("a prefetch is issued at the start of the block that it runs beside") {
  Tiny tiny;
  tiny.program.blocks.push_back(
      Block{.name = "layer", .kind = BlockKind::sync, .pass = Pass::once, .ops = {}});
  tiny.add("other", Lane::compute, {"wx"});
  tiny.add("gather", Lane::dp, {"rweight", "wgathered"}, 1).prefetch_blocks = 1;
  tiny.add("product", Lane::compute, {"rgathered", "wy"}, 1);
  for (Tensor& tensor : tiny.program.tensors) tensor.lifetime = Lifetime::layer;
  const auto layer = [](int number) { return BlockCall{BlockId(1), LayerId(number)}; };
  const BlockCall other{BlockId(0), LayerId(9)};
  const auto names = [&](const TaskGraph& graph) {
    std::string text;
    for (std::size_t i = 0; i < graph.size(); ++i) {
      const TaskRef& task = graph.task(i);
      text +=
          tiny.program.block(task.block).ops[task.op.at()].name + std::to_string(task.layer.value()) + " ";
    }
    return text;
  };
  SECTION("one block early, after the compute before that block") {
    tiny.program.stages[0].prologue = {other, layer(0), layer(1), layer(2)};
    const TaskGraph graph(tiny.program);
    CHECK(names(graph) == "gather0 other9 gather1 product0 gather2 product1 product2 ");
    CHECK(graph.dependencies(0) == Indices{});      // no block comes before its block
    CHECK(graph.dependencies(2) == Indices{0, 1});  // its lane; the compute before layer 0
    CHECK(graph.dependencies(3) == Indices{0, 1});  // its weights; its lane
    CHECK(graph.dependencies(4) == Indices{2, 3});  // not before layer 0 has ended
  }
  SECTION("but not while what it overwrites is needed") {
    tiny.program.stages[0].prologue = {layer(0), layer(0)};
    CHECK(names(TaskGraph(tiny.program)) == "gather0 product0 gather0 product0 ");
  }
}

TEST_CASE("the instances of a tensor are told apart by layer, micro-batch and block") {
  Tiny tiny;
  tiny.add("on tp", Lane::tp, {"wx"});
  tiny.program.blocks.push_back(
      Block{.name = "reader", .kind = BlockKind::sync, .pass = Pass::once, .ops = {}});
  tiny.add("read", Lane::dp, {"rx"}, 1);
  Tensor& tensor = tiny.program.tensors[0];
  const auto reader_waits = [&](std::int32_t layer) {
    tiny.program.stages[0].prologue = {{BlockId(0), LayerId(0)}, {BlockId(1), LayerId(layer)}};
    return TaskGraph(tiny.program).dependencies(1).size() == 1;
  };
  tensor.lifetime = Lifetime::block;
  CHECK_FALSE(reader_waits(0));
  tensor.lifetime = Lifetime::step;
  CHECK(reader_waits(0));
  CHECK_FALSE(reader_waits(1));
  tensor.per_layer = false;
  CHECK(reader_waits(1));
  tensor.lifetime = Lifetime::micro_batch;
  tiny.program.stages[0].prologue.clear();
  Chunk& chunk = tiny.program.stages[0].chunks.emplace_back();
  chunk.forward = {{BlockId(0), LayerId(0)}};
  chunk.backward = {{BlockId(1), LayerId(0)}};
  tiny.program.stages[0].order = {{Pass::forward, ChunkId(0), MicroBatch(0)},
                                  {Pass::backward, ChunkId(0), MicroBatch(0)}};
  CHECK(TaskGraph(tiny.program).dependencies(1) == Indices{0});
  tiny.program.stages[0].order[1].micro_batch = MicroBatch(1);
  CHECK(TaskGraph(tiny.program).dependencies(1) == Indices{});
}

TEST_CASE("the critical path of a product, its all-reduce, work beside it and a reader") {
  const auto seconds = durations({{"product", 3}, {"all-reduce", 5}, {"beside", 2}, {"reader", 1}});
  const auto program = [](bool holds) {
    Tiny tiny;
    tiny.add("product", Lane::compute, {"wx"});
    tiny.add("all-reduce", Lane::tp, {"ax"}).blocks_compute = holds;
    tiny.add("beside", Lane::compute, {"wy"});
    tiny.add("reader", Lane::compute, {"rx"});
    return tiny.program;
  };
  // Overlapped: product 0–3, all-reduce 3–8 (with operation "beside" at 3–5), reader 8–9.
  const CriticalPath overlapped = TaskGraph(program(false)).critical_path(seconds);
  CHECK(overlapped.length == Seconds(9.0));
  CHECK(tasks_of(overlapped) == Indices{0, 1, 3});
  // Without overlap, operation "beside" waits for the all-reduce: 3 + 5 + 2 + 1.
  const CriticalPath held = TaskGraph(program(true)).critical_path(seconds);
  CHECK(held.length == Seconds(11.0));
  CHECK(tasks_of(held) == Indices{0, 1, 2, 3});
}

TEST_CASE("the hand-written program is acyclic, and its order keeps to its dependencies") {
  const StepProgram program = golden();
  const TaskGraph graph(program);
  // Operations per stage. Prologue 3; per micro-batch: stage 0 forward 2 + 13 + 1, backward 1 + 15 + 1; stage
  // 1 forward 1 + 13 + 8, backward 5 + 15 + 1; epilogue 5.
  CHECK(graph.size() == (3 + 2 * (16 + 17) + 5) + (3 + 2 * (22 + 21) + 5));
  CHECK(graph.is_acyclic());
  const Indices order = graph.topological_order();
  REQUIRE(order.size() == graph.size());
  Indices position(order.size(), order.size());
  for (std::size_t i = 0; i < order.size(); ++i) position[order[i]] = i;
  for (std::size_t task = 0; task < graph.size(); ++task) {
    REQUIRE(position[task] < order.size());  // a permutation
    for (const std::size_t before : graph.dependencies(task)) CHECK(position[before] < position[task]);
  }
}

TEST_CASE("a receive waits for its send, a collective over stages for every member") {
  StepProgram program = golden();
  const TaskGraph graph(program);
  for (const int micro_batch : {0, 1}) {
    const std::size_t send = find_task(graph, program, 0, "send forward", "send forward", micro_batch);
    const std::size_t receive =
        find_task(graph, program, 1, "receive forward", "receive forward", micro_batch);
    const Indices awaited = graph.dependencies(receive);
    CHECK(std::count(awaited.begin(), awaited.end(), send) == 1);
  }
  const std::size_t norm = find_task(graph, program, 0, "gradient norm", "all-reduce gradient norm", 0);
  const std::size_t own = find_task(graph, program, 0, "dense_layer norm", "sum of squares", 0);
  const std::size_t other = find_task(graph, program, 1, "head norm", "sum of squares", 0);
  const Indices awaited = graph.dependencies(norm);
  CHECK(std::count(awaited.begin(), awaited.end(), own) == 1);
  CHECK(std::count(awaited.begin(), awaited.end(), other) == 1);
}

TEST_CASE("a deadlock is named") {
  StepProgram program = golden();
  // Stage 0's forward compute waits for a gradient that stage 1 can only send after it has received that
  // forward.
  auto& chunk = program.stages[0].chunks[0];
  block_named(program, "receive backward").ops[0].blocks_compute = true;
  chunk.forward.insert(chunk.forward.begin(), chunk.backward.front());
  chunk.backward.erase(chunk.backward.begin());
  const TaskGraph graph(program);
  CHECK_FALSE(graph.is_acyclic());
  std::string message;
  try {
    const Indices order = graph.topological_order();
    CHECK(order.empty());  // not reached
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  CHECK_THAT(message, ContainsSubstring("the step program deadlocks: "));
  CHECK_THAT(
      message,
      ContainsSubstring("stage 0 \"receive backward\" / \"receive backward\" (layer 1, micro-batch 0) waits "
                        "for stage 1 \"send backward\" / \"send backward\" (layer 1, micro-batch 0)"));
}
