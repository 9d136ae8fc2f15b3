#include "planner/program/json/program_json.hpp"

#include <functional>

#include "tests/planner/program/golden.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::testing;

namespace {

/// The golden text with the first occurrence of `from` replaced.
std::string golden_with(const std::string& from, const std::string& to) {
  std::string text = golden_text();
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string complaint_about(const std::string& text) {
  try {
    program_from_json(text);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("the hand-written program reads and writes to the same text") {
  const std::string text = golden_text();
  CHECK(to_json(program_from_json(text)) == text);
}

TEST_CASE("reading keeps what the text says") {
  StepProgram program = golden();
  CHECK(program.name == "two_layers_tp2_pp2");
  CHECK(program.micro_batches == 2);
  CHECK(program.group(GroupKind::world) == Group{GroupKind::world, 4, 1});
  const Tensor& qkv = tensor_named(program, "layer.qkv.weight");
  CHECK(qkv.role == TensorRole::weight);
  CHECK(qkv.lifetime == Lifetime::step);
  CHECK(qkv.dims == std::vector<Dim>{{DimName::qkv, 16, 2}, {DimName::hidden, 8}});
  CHECK(qkv.sections == std::vector<std::int64_t>{8, 4, 4});
  CHECK(tensor_named(program, "layer.out").partial == GroupKind::tp);
  CHECK_FALSE(tensor_named(program, "ids").per_layer);

  const Op& residual = op_named(program, "dense_layer forward", "ffn residual");
  CHECK(std::get<Pointwise>(residual.kind).kind == PointwiseKind::add);
  CHECK(residual.operands.back() == Operand{tensor_id(program, "hidden"), Access::write, 1});
  const Op& max = op_named(program, "head forward", "all-reduce max");
  CHECK(std::get<Collective>(max.kind).reduction == Reduction::max);
  CHECK(std::get<Collective>(max.kind).payload == Bytes(16));
  CHECK(max.lane == Lane::tp);
  CHECK(program.stages[1].order[1] == Slot{Pass::backward, ChunkId(0), MicroBatch(0)});
  CHECK(program.stages[1].chunks[0].forward[2] == BlockCall{block_id(program, "head forward"), LayerId(2)});
}

TEST_CASE("every kind of operation and every optional key survives the way out and back") {
  StepProgram program = golden();
  Tensor& tensor = tensor_named(program, "layer.mid");
  tensor.padding = 3;
  tensor.column_sections = {4, 4};
  tensor.update_parts = 2;
  tensor.dims[0] = {.name = DimName::tokens, .size = 24, .tp = 2, .cp = 3, .ep = 2, .dp = 2};
  Chunk& chunk = program.stages[0].chunks[0];
  chunk.last_backward = chunk.weight = chunk.last_weight = chunk.backward;
  chunk.weight.pop_back();
  program.stages[0].order.push_back({Pass::weight, ChunkId(0), MicroBatch(1)});
  const std::vector<OpKind> kinds = {
      Gemm{.batch = 3, .m = 1, .n = 2, .k = 4, .math = DType::fp8, .transpose_a = true, .transpose_b = true},
      GroupedGemm{.experts = 2, .tokens = 3, .n = 4, .k = 5, .math = DType::fp16},
      Attention{.batch = 2,
                .query = 3,
                .key = 4,
                .heads = 5,
                .kv_heads = 5,
                .head_dim = 6,
                .v_head_dim = 7,
                .causal = false,
                .math = DType::fp32,
                .window = 8,
                .shared_dim = 2,
                .key_layout = KeyLayout::by_head},
      Pointwise{PointwiseKind::dropout_add, 12},
      Norm{NormKind::layernorm, 3, 4, 5, 2},
      Rope{1, 2, 3, 4},
      Embedding{4, 5},
      CrossEntropy{CrossEntropyPart::exp_sum, 6, 7, 5},
      CausalConv{.tokens = 3, .channels = 4, .kernel = 5, .runs_again = true},
      LinearScan{.form = ScanForm::kimi_delta,
                 .batch = 2,
                 .positions = 3,
                 .heads = 4,
                 .key_heads = 5,
                 .key_dim = 6,
                 .value_dim = 7,
                 .chunk = 8,
                 .math = DType::fp16},
      GatedNorm{.rows = 3, .width = 4},
      Gate{.elements = 5},
      IndexScores{.batch = 2,
                  .query = 3,
                  .key = 4,
                  .heads = 5,
                  .head_dim = 6,
                  .selected = 7,
                  .causal = false,
                  .target_heads = 8,
                  .target_dim = 9,
                  .math = DType::fp16},
      Route{8, 9, 2, 1.5},
      Permute{10, 11},
      Collective{CollectiveKind::reduce_scatter, GroupKind::dp_cp, Reduction::max, Bytes(1) * (1LL << 62)},
      Send{Peer::previous_stage, Bytes(5)},
      Recv{Peer::next_stage, Bytes(6)},
      HostCopy{HostWay::to_device, Bytes(7)},
      OptimizerUpdate{OptimizerKind::sgd, 13}};
  REQUIRE(kinds.size() == std::variant_size_v<OpKind>);
  Block all{.name = "all \"kinds\"", .kind = BlockKind::moe_layer, .pass = Pass::once, .ops = {}};
  for (const OpKind& kind : kinds) {
    Op op{.kind = kind, .operands = {{TensorId(3), Access::accumulate, -2}}, .name = "any"};
    op.after_compute = op.blocks_compute = op.pipelined = true;
    op.prefetch_blocks = 2;
    all.ops.push_back(op);
  }
  program.blocks.push_back(all);

  const std::string text = to_json(program);
  StepProgram read = program_from_json(text);
  CHECK(to_json(read) == text);
  CHECK(tensor_named(read, "layer.mid").dims[0] == tensor.dims[0]);
  CHECK(tensor_named(read, "layer.mid").padding == 3);
  CHECK(tensor_named(read, "layer.mid").column_sections == std::vector<std::int64_t>{4, 4});
  CHECK(tensor_named(read, "layer.mid").update_parts == 2);
  CHECK(read.stages[0].chunks[0].last_backward.size() == 3);
  CHECK(read.stages[0].chunks[0].weight.size() == 2);
  CHECK(read.stages[0].chunks[0].last_weight.size() == 3);
  CHECK_THAT(text, ContainsSubstring("\"W 0 1\""));
  CHECK(read.stages[0].order == program.stages[0].order);
  const Block& back = block_named(read, "all \"kinds\"");
  REQUIRE(back.ops.size() == kinds.size());
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    INFO(kind_name(kinds[i]));
    CHECK(back.ops[i].kind.index() == kinds[i].index());
    CHECK(back.ops[i].operands == all.ops[i].operands);
    CHECK((back.ops[i].after_compute && back.ops[i].blocks_compute && back.ops[i].pipelined));
    CHECK(back.ops[i].prefetch_blocks == 2);
  }
  CHECK(std::get<Collective>(back.ops[15].kind).payload.value() == 1LL << 62);
  CHECK_FALSE(std::get<Attention>(back.ops[2].kind).causal);
  CHECK(std::get<Gemm>(back.ops[0].kind).transpose_a);
  CHECK(std::get<Gemm>(back.ops[0].kind).transpose_b);
  CHECK(std::get<Attention>(back.ops[2].kind).window == 8);
  CHECK(std::get<Attention>(back.ops[2].kind).shared_dim == 2);
  CHECK(std::get<Attention>(back.ops[2].kind).key_layout == KeyLayout::by_head);
  CHECK(std::get<Norm>(back.ops[4].kind).heads == 5);
  CHECK(std::get<Norm>(back.ops[4].kind).query_heads == 2);
  CHECK(std::get<Rope>(back.ops[5].kind).head_stride == 4);
  CHECK(std::get<CrossEntropy>(back.ops[7].kind).known_vocab == 5);
  CHECK(std::get<LinearScan>(back.ops[9].kind).form == ScanForm::kimi_delta);
  CHECK(std::get<Route>(back.ops[13].kind).imbalance == 1.5);
}

TEST_CASE("a text that is not a step program is refused with its place") {
  CHECK_THAT(complaint_about("{"), ContainsSubstring("step program: not JSON"));
  CHECK(complaint_about("[]") == "step program: the file: expected an object, found []");
  CHECK(complaint_about("{}") == "step program: the file: the key 'foreshard_step_program' is missing");
  CHECK(complaint_about(golden_with("\"foreshard_step_program\":1", "\"foreshard_step_program\":2")) ==
        "step program: foreshard_step_program: version 2 is not ours, which is 1");
  CHECK_THAT(complaint_about(golden_with("\"micro_batches\":2", "\"micro_batchs\":2")),
             ContainsSubstring("the key 'micro_batches' is missing"));
  CHECK(complaint_about(golden_with("\"stride\":1", "\"stride\":1.5")) ==
        "step program: groups[0].stride: expected a whole number, found 1.5");
  CHECK_THAT(complaint_about(golden_with("\"stride\":1", "\"stride\":1e30")),
             ContainsSubstring("groups[0].stride: expected a whole number"));
  CHECK_THAT(complaint_about(golden_with("\"stride\":1", "\"stride\":9223372036854775808")),
             ContainsSubstring("groups[0].stride: 9223372036854775808 is not within"));
  CHECK_THAT(complaint_about(golden_with("\"role\":\"input\"", "\"role\":\"inputs\"")),
             ContainsSubstring("tensors[0].role: unknown value 'inputs'; allowed here: weight, gradient"));
  CHECK_THAT(complaint_about(golden_with("\"per_layer\":false", "\"per_layer\":0")),
             ContainsSubstring("tensors[0].per_layer: expected true or false, found 0"));
  CHECK_THAT(complaint_about(golden_with("\"name\":\"labels\"", "\"name\":\"ids\"")),
             ContainsSubstring("tensors[1].name: 'ids' is already taken"));
  CHECK_THAT(complaint_about(golden_with("\"name\":\"labels\"", "\"name\":\"ids+1\"")),
             ContainsSubstring("tensors[1].name: 'ids+1' is empty or ends like a layer shift"));
}

TEST_CASE("an operation that does not read is refused with its place") {
  const std::string gemm = "\"op\":\"gemm\",\"name\":\"qkv\"";
  CHECK_THAT(complaint_about(golden_with(gemm, "\"op\":\"gem\",\"name\":\"qkv\"")),
             ContainsSubstring("blocks[2].ops[1].op: 'gem' is no kind of operation"));
  CHECK_THAT(complaint_about(golden_with(gemm, gemm + ",\"q\":1")),
             ContainsSubstring("blocks[2].ops[1]: unknown key 'q'; known here: op, name, component"));
  CHECK_THAT(complaint_about(golden_with("\"r ids\"", "\"x ids\"")),
             ContainsSubstring("blocks[0].ops[0].operands[0]: 'x ids' is no operand"));
  CHECK_THAT(complaint_about(golden_with("\"r ids\"", "\"r ids+40000\"")),
             ContainsSubstring("blocks[0].ops[0].operands[0]: 'r ids+40000' is no operand"));
  CHECK_THAT(complaint_about(golden_with("\"r ids\"", "\"r idx\"")),
             ContainsSubstring("blocks[0].ops[0].operands[0]: no tensor is called 'idx'"));
}

TEST_CASE("a stage that does not read is refused with its place") {
  CHECK_THAT(complaint_about(golden_with("\"F 0 1\"", "\"F 0\"")),
             ContainsSubstring("stages[0].order[1]: 'F 0' is no slot; write 'F', 'B' or 'W'"));
  CHECK_THAT(complaint_about(golden_with("\"F 0 1\"", "\"X 0 1\"")),
             ContainsSubstring("stages[0].order[1]: 'X 0 1' is no slot"));
  CHECK_THAT(complaint_about(golden_with("\"F 0 1\"", "\"F 0 1x\"")),
             ContainsSubstring("stages[0].order[1]: 'F 0 1x' is no slot"));
  CHECK_THAT(complaint_about(golden_with("[\"zero norm\",0]", "[\"zero nom\",0]")),
             ContainsSubstring("stages[0].prologue[2]: no block is called 'zero nom'"));
  CHECK_THAT(complaint_about(golden_with("[\"zero norm\",0]", "[\"zero norm\"]")),
             ContainsSubstring("stages[0].prologue[2]: expected [\"block name\", layer]"));
}
