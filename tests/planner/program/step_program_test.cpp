#include "planner/program/step_program.hpp"

#include "tests/planner/program/golden.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::testing;

TEST_CASE("a tensor's share on one rank is cut dimension by dimension") {
  Tensor tensor;
  CHECK(tensor.global_elements() == 1);  // no dimensions: a scalar
  CHECK(tensor.local_elements() == 1);
  tensor.dims = {{.name = DimName::tokens, .size = 12, .tp = 2, .cp = 3},
                 {.name = DimName::hidden, .size = 10, .ep = 2, .dp = 2}};
  tensor.dtype = DType::fp32;
  CHECK(tensor.global_elements() == 120);
  CHECK(tensor.local_elements() == 2 * 3);  // 12 / (2·3) by ⌈10 / (2·2)⌉
  CHECK(tensor.local_bytes() == Bytes(24));
  CHECK_FALSE(tensor.replicated_over_tp());
  tensor.dims[0].tp = 1;
  CHECK(tensor.replicated_over_tp());
}

TEST_CASE("the slots of a stage find their visits") {
  StepProgram program = golden();
  StageProgram& stage = program.stages[0];
  const Slot forward{Pass::forward, ChunkId(0), MicroBatch(1)};
  const Slot backward{Pass::backward, ChunkId(0), MicroBatch(0)};
  const Slot last{Pass::backward, ChunkId(0), MicroBatch(1)};
  CHECK(block_calls_of(stage, forward, 2).data() == stage.chunks[0].forward.data());
  CHECK(block_calls_of(stage, backward, 2).data() == stage.chunks[0].backward.data());
  CHECK(block_calls_of(stage, last, 2).data() == stage.chunks[0].backward.data());  // no backward of its own
  const Slot first{Pass::forward, ChunkId(0), MicroBatch(0)};
  CHECK(block_calls_of(stage, first, 2).data() == stage.chunks[0].forward.data());  // no forward of its own
  stage.chunks[0].first_forward = stage.chunks[0].forward;
  CHECK(block_calls_of(stage, first, 2).data() == stage.chunks[0].first_forward.data());
  CHECK(block_calls_of(stage, forward, 2).data() == stage.chunks[0].forward.data());
  stage.chunks[0].last_backward = stage.chunks[0].backward;
  CHECK(block_calls_of(stage, backward, 2).data() == stage.chunks[0].backward.data());
  CHECK(block_calls_of(stage, last, 2).data() == stage.chunks[0].last_backward.data());

  const Slot weight{Pass::weight, ChunkId(0), MicroBatch(0)};
  const Slot last_weight{Pass::weight, ChunkId(0), MicroBatch(1)};
  CHECK(block_calls_of(stage, weight, 2).empty());  // part of backward
  stage.chunks[0].weight = stage.chunks[0].backward;
  CHECK(block_calls_of(stage, weight, 2).data() == stage.chunks[0].weight.data());
  CHECK(block_calls_of(stage, last_weight, 2).data() == stage.chunks[0].weight.data());
  stage.chunks[0].last_weight = stage.chunks[0].backward;
  CHECK(block_calls_of(stage, weight, 2).data() == stage.chunks[0].weight.data());
  CHECK(block_calls_of(stage, last_weight, 2).data() == stage.chunks[0].last_weight.data());
}

TEST_CASE("visits are counted over prologue, slots and epilogue") {
  StepProgram program = golden();
  const BlockId embedding = block_id(program, "embedding forward");
  const BlockId backward = block_id(program, "dense_layer backward");
  const BlockId zero = block_id(program, "dense_layer zero");
  const BlockId update = block_id(program, "dense_layer update");
  // The last micro-batch zeroes its layer again and runs no backward: counts follow the list that runs.
  program.stages[0].chunks[0].last_backward = {{zero, LayerId(0)}};
  const std::vector<std::int64_t> first = count_block_calls(program, StageId(0));
  REQUIRE(first.size() == program.blocks.size());
  CHECK(first[embedding.at()] == 2);  // forward of two micro-batches
  CHECK(first[backward.at()] == 1);
  CHECK(first[zero.at()] == 2);  // prologue, last backward
  CHECK(first[update.at()] == 1);
  const std::vector<std::int64_t> second = count_block_calls(program, StageId(1));
  CHECK(second[embedding.at()] == 0);
  CHECK(second[backward.at()] == 2);
}

TEST_CASE("operations know their names and whether they communicate") {
  CHECK(kind_name(Gemm{}) == "gemm");
  CHECK(kind_name(Pointwise{PointwiseKind::swiglu, 1}) == "swiglu");
  CHECK(kind_name(Collective{CollectiveKind::reduce_scatter, GroupKind::tp, Reduction::sum, Bytes(1)}) ==
        "reduce-scatter");
  Op op;
  CHECK_FALSE(is_communication(op));
  op.kind = Recv{};
  CHECK(is_communication(op));
  CHECK(to_string(Access::accumulate) == "accumulate");
  CHECK(to_string(Component::attention_core) == "attention_core");
  CHECK(to_string(Phase::backward_weight) == "backward_weight");
  CHECK(to_string(BlockKind::dense_layer) == "dense_layer");
  CHECK(to_string(Pass::once) == "once");
}
