// One operation of the hand-written program is broken at a time. Sizes: T = 4, D = 8, F = 16, tp 2.
#include "planner/program/check/check_program.hpp"
#include "tests/planner/program/golden.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::testing;

namespace {
using Problems = std::vector<std::string>;

/// A program with only this operation and its tensors "a", "b", … with the given numbers of elements. Its
/// sizes and form are checked; no stage runs it.
StepProgram program_of(Op op, const std::string& accesses, const std::vector<std::int64_t>& elements) {
  StepProgram program = golden();
  program.stages = {StageProgram{}};
  program.stages[0].chunks.clear();
  program.tensors.clear();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    Tensor tensor;
    tensor.label = std::string(1, static_cast<char>('a' + i));
    tensor.lifetime = Lifetime::step;
    tensor.dims = {{.name = DimName::flat, .size = elements[i]}};
    program.tensors.push_back(tensor);
    const Access access = accesses[i] == 'r'   ? Access::read
                          : accesses[i] == 'w' ? Access::write
                                               : Access::accumulate;
    op.operands.push_back({TensorId(i), access, 0});
  }
  op.name = "op";
  program.blocks = {
      Block{.name = "block", .kind = BlockKind::dense_layer, .pass = Pass::forward, .ops = {op}}};
  return program;
}

Problems problems_of(const OpKind& kind, const std::string& accesses,
                     const std::vector<std::int64_t>& elements, Phase phase = Phase::forward) {
  Op op;
  op.kind = kind;
  op.phase = phase;
  const auto* collective = std::get_if<Collective>(&kind);
  if (collective != nullptr) op.lane = Lane::tp;
  return check_program(program_of(op, accesses, elements));
}
const std::string kForward = "block \"block\", operation \"op\" (forward): ";
const std::string kBackward = "block \"block\", operation \"op\" (backward_input): ";
}  // namespace

TEST_CASE("operand lists have their kind's form") {
  // Each form is tested once correct and once wrong.
  const Pointwise add{PointwiseKind::add, 4};
  CHECK(problems_of(add, "rrw", {4, 4, 4}) == Problems{});
  CHECK(problems_of(add, "rrr", {4, 4, 4}) ==
        Problems{kForward + "its operands are accessed as \"rrr\", but a add takes a, b, y"});
  const Gemm gemm{.batch = 1, .m = 2, .n = 3, .k = 5};
  CHECK(problems_of(gemm, "rrwr", {10, 15, 6, 3}) == Problems{});
  CHECK(problems_of(gemm, "rrwrr", {10, 15, 6, 3, 3}) ==
        Problems{kForward + "its operands are accessed as \"rrwrr\", but a gemm takes A, B, C[, bias][, "
                            "placeholder of a gradient]"});
  const Pointwise zero{PointwiseKind::zero, 7};
  CHECK(problems_of(zero, "ww", {3, 4}) == Problems{});
  CHECK(problems_of(zero, "wa", {3, 4}).size() == 1);
  CHECK(problems_of(zero, "", {}).size() == 1);
  const Pointwise squares{PointwiseKind::sum_squares, 7};
  CHECK(problems_of(squares, "rra", {3, 4, 1}) == Problems{});
  CHECK(problems_of(squares, "a", {7}).size() == 1);
  const OptimizerUpdate update{OptimizerKind::adamw, 7};
  CHECK(problems_of(update, "rrww", {3, 4, 3, 4}) == Problems{});
  CHECK(problems_of(update, "wwrr", {3, 4, 3, 4}).size() == 1);
}

TEST_CASE("backward lists differ from forward lists") {
  const Pointwise gated{PointwiseKind::swiglu, 8};
  CHECK(problems_of(gated, "rw", {8, 4}) == Problems{});
  CHECK(problems_of(gated, "rrw", {8, 4, 8}, Phase::backward_input) == Problems{});
  CHECK(problems_of(gated, "rrw", {8, 4, 8}).size() == 1);
  CHECK(problems_of(gated, "rw", {8, 4}, Phase::recompute) == Problems{});
  const Pointwise dropout_add{PointwiseKind::dropout_add, 6};
  CHECK(problems_of(dropout_add, "rrww", {6, 6, 6, 6}) == Problems{});
  CHECK(problems_of(dropout_add, "rrw", {6, 6, 6}, Phase::backward_input) == Problems{});
  const Norm layernorm{NormKind::layernorm, 4, 3};
  CHECK(problems_of(layernorm, "rrrww", {12, 3, 3, 12, 8}) == Problems{});
  CHECK(problems_of(layernorm, "rrrrwaa", {12, 3, 8, 12, 12, 3, 3}, Phase::backward_input) == Problems{});
  CHECK(problems_of(layernorm, "rrrrrwaa", {12, 3, 8, 12, 12, 12, 3, 3}, Phase::backward_input) ==
        Problems{});
  const Norm rmsnorm{NormKind::rmsnorm, 4, 3};
  CHECK(problems_of(rmsnorm, "rrww", {12, 3, 12, 4}) == Problems{});
  CHECK(problems_of(rmsnorm, "rrrww", {12, 3, 3, 12, 4}).size() == 1);  // it has no bias
}

TEST_CASE("sizes agree with operands") {
  const Gemm gemm{.batch = 2, .m = 2, .n = 3, .k = 5};
  CHECK(problems_of(gemm, "rrw", {20, 30, 12}) == Problems{});
  CHECK(problems_of(gemm, "rrw", {20, 30, 13}) ==
        Problems{kForward + "c has 13 elements on a rank, not batch·m·n = 12"});
  CHECK(problems_of(gemm, "rrw", {21, 30, 12}) ==
        Problems{kForward + "a has 21 elements on a rank, not batch·m·k = 20"});
  CHECK(problems_of(gemm, "rrw", {20, 29, 12}) ==
        Problems{kForward + "b has 29 elements on a rank, not batch·n·k = 30"});
  CHECK(problems_of(Pointwise{PointwiseKind::swiglu, 8}, "rw", {8, 8}) ==
        Problems{kForward + "b has 8 elements on a rank, not elements/2 = 4"});
  CHECK(problems_of(Pointwise{PointwiseKind::cast, 8}, "rw", {8, 4}) ==
        Problems{kForward + "b has 4 elements on a rank, not elements = 8"});
  CHECK(problems_of(Pointwise{PointwiseKind::add, 8}, "rrw", {8, 4, 8}) == Problems{});  // 4 are repeated
  CHECK(problems_of(Pointwise{PointwiseKind::add, 8}, "rrw", {8, 3, 8}) ==
        Problems{kForward + "b has 3 elements on a rank, which do not divide 8"});
  CHECK(problems_of(Pointwise{PointwiseKind::add, 8}, "rrw", {4, 4, 4}) ==
        Problems{kForward + "it states 8 elements, but its largest operand has 4"});
  CHECK(problems_of(Pointwise{PointwiseKind::zero, 8}, "ww", {4, 3}) ==
        Problems{kForward + "it states 8 elements, but its operands have 7"});
  CHECK(problems_of(Pointwise{PointwiseKind::bias_gradient, 8}, "ra", {8, 3}, Phase::backward_input) ==
        Problems{kBackward + "b has 3 elements on a rank, which do not divide 8"});
  CHECK(problems_of(Norm{NormKind::rmsnorm, 4, 3}, "rrww", {12, 3, 12, 8}) ==
        Problems{kForward + "d has 8 elements on a rank, not one statistic per row, two for layernorm and "
                            "for norms of queries and keys = 4"});
  CHECK(problems_of(Norm{NormKind::rmsnorm, 4, 3}, "rrrrwa", {12, 3, 4, 12, 12, 4}, Phase::backward_input) ==
        Problems{kBackward + "f has 4 elements on a rank, not width = 3"});
  CHECK(problems_of(Rope{4, 3, 2}, "a", {24}) == Problems{});
  CHECK(problems_of(Rope{4, 3, 2}, "a", {23}) ==
        Problems{kForward + "a has 23 elements on a rank, fewer than tokens·heads·head_dim = 24"});
  CHECK(problems_of(Embedding{4, 8}, "rrw", {4, 80, 32}) == Problems{});
  CHECK(problems_of(Embedding{4, 8}, "rrw", {4, 81, 32}) ==
        Problems{kForward + "b has 81 elements on a rank, not whole rows of 8"});
  CHECK(problems_of(OptimizerUpdate{OptimizerKind::adamw, 7}, "raaaw", {7, 7, 7, 7, 7}) == Problems{});
}

TEST_CASE("an update's states are as long as its share") {
  StepProgram program = golden();
  std::get<OptimizerUpdate>(op_named(program, "head update", "update", Phase::optimizer).kind).parameters =
      135;
  CHECK(
      check_program(program) ==
      Problems{"block \"head update\", operation \"update\" (optimizer): its states have 408 elements, which "
               "is not 0 to 3 times its 135 parameters"});
}

TEST_CASE("attention and loss sizes agree with operands") {
  // 2 sequences of 3 positions, 4 heads and 2 kv heads of 5: q 120, k and v 60 each.
  const Attention attention{
      .batch = 2, .query = 3, .key = 3, .heads = 4, .kv_heads = 2, .head_dim = 5, .v_head_dim = 5};
  CHECK(problems_of(attention, "rww", {240, 120, 24}) == Problems{});
  CHECK(problems_of(attention, "rrrrw", {240, 120, 24, 120, 240}, Phase::backward_input) == Problems{});
  CHECK(problems_of(attention, "rww", {240, 120, 120}) ==
        Problems{kForward + "c has 120 elements on a rank, not batch·query·heads = 24"});
  CHECK(problems_of(attention, "rww", {200, 120, 24}).size() == 1);
  const CrossEntropy row_max{CrossEntropyPart::row_max, 4, 16};
  CHECK(problems_of(row_max, "rw", {64, 4}) == Problems{});
  CHECK(problems_of(row_max, "rw", {64, 8}).size() == 1);
  const CrossEntropy exp_sum{CrossEntropyPart::exp_sum, 4, 16};
  CHECK(problems_of(exp_sum, "rrrw", {64, 4, 4, 8}) == Problems{});
  CHECK(problems_of(exp_sum, "rrrw", {64, 4, 4, 4}).size() == 1);
  const CrossEntropy loss{CrossEntropyPart::loss, 4, 16};
  CHECK(problems_of(loss, "rw", {8, 1}) == Problems{});
  CHECK(problems_of(loss, "rw", {4, 1}).size() == 1);
  CHECK(problems_of(loss, "rrrrw", {64, 4, 4, 8, 64}, Phase::backward_input) == Problems{});
  CHECK(problems_of(loss, "rrrrw", {64, 4, 4, 8, 4}, Phase::backward_input).size() == 1);
}

TEST_CASE("parts of the fused qkv may be used by attention's own products") {
  StepProgram program = golden();
  Op& product = op_named(program, "dense_layer forward", "qkv");
  std::get<Gemm>(product.kind).n = 4;         // layer.qkv (4, 8) holds more than m·n = 16 elements
  CHECK(check_program(program).size() == 2);  // the weight and the product
  product.component = Component::attention_core;
  CHECK(check_program(program) == Problems{});
  std::get<Gemm>(product.kind).n = 16;
  CHECK(check_program(program).size() == 2);  // but not less than is needed
}

TEST_CASE("a norm over the fused qkv has the queries' weights and the keys'") {
  StepProgram program = golden();
  auto& ops = block_named(program, "dense_layer forward").ops;
  const TensorId qkv = tensor_id(program, "layer.qkv");
  const TensorId weight = tensor_id(program, "layer.attn_norm.weight");
  const TensorId stats = tensor_id(program, "layer.attn_norm.stats");
  Op norm;  // 4 tokens by 1 head of 4: fewer elements than the (4, 8) of layer.qkv; weights 2·4
  norm.kind = Norm{NormKind::rmsnorm, 4, 4};
  norm.name = "qk norm";
  norm.operands = {{qkv, Access::read, 0},
                   {weight, Access::read, 0},
                   {qkv, Access::accumulate, 0},
                   {stats, Access::write, 0}};
  ops.insert(ops.begin() + 2, norm);
  CHECK(check_program(program) == Problems{});
  std::get<Norm>(ops[2].kind).width = 2;
  CHECK(check_program(program) == Problems{"block \"dense_layer forward\", operation \"qk norm\" (forward): "
                                           "layer.attn_norm.weight has 8 elements on a rank, not width = 2"});
}

TEST_CASE("a gate's activation may read the fused gate and up") {
  const Pointwise silu{PointwiseKind::silu, 4};
  CHECK(problems_of(silu, "rw", {4, 4}) == Problems{});
  CHECK(problems_of(silu, "rw", {8, 4}) == Problems{});
  CHECK(problems_of(silu, "rra", {8, 4, 8}, Phase::backward_input) == Problems{});
  CHECK(problems_of(silu, "rw", {8, 2}) ==
        Problems{kForward + "b has 2 elements on a rank, not elements = 4"});
  CHECK(problems_of(silu, "rw", {8, 8}) ==
        Problems{kForward + "it states 4 elements, but its smallest operand has 8"});
  const Pointwise multiply{PointwiseKind::multiply, 4};
  CHECK(problems_of(multiply, "rrw", {4, 8, 4}) == Problems{});
  CHECK(problems_of(multiply, "rrraa", {4, 8, 4, 4, 8}, Phase::backward_input) == Problems{});
  CHECK(problems_of(multiply, "rrw", {4, 12, 4}).size() == 1);
}

TEST_CASE("a position table may be longer than the sequence") {
  Op op;
  op.kind = Pointwise{PointwiseKind::add, 8};
  StepProgram program = program_of(op, "rrw", {8, 24, 8});
  CHECK(check_program(program).size() == 2);  // it does not divide 8, and is the largest
  program.tensors[1].dims[0].name = DimName::position;
  CHECK(check_program(program) == Problems{});
}

TEST_CASE("a collective's payload is its operands'") {
  // bf16: 2 bytes per element; tp 2.
  const auto collective = [](CollectiveKind kind, std::int64_t payload) {
    return Collective{kind, GroupKind::tp, Reduction::sum, Bytes(payload)};
  };
  CHECK(problems_of(collective(CollectiveKind::all_reduce, 40), "aa", {8, 12}) == Problems{});
  CHECK(problems_of(collective(CollectiveKind::all_reduce, 20), "aa", {8, 12}) ==
        Problems{kForward + "its payload is 20 bytes, but what stands on a rank in the end is 40 bytes"});
  CHECK(problems_of(collective(CollectiveKind::all_reduce, 16), "ra", {8, 8}) == Problems{});
  CHECK(problems_of(collective(CollectiveKind::all_reduce, 16), "ra", {8, 12}) ==
        Problems{kForward + "it adds 16 bytes to 24 bytes"});
  CHECK(problems_of(collective(CollectiveKind::all_reduce, 16), "rw", {8, 8}) ==
        Problems{kForward +
                 "its operands are accessed as \"rw\", but a all-reduce takes what changes in place, "
                 "or what is sent and what arrives"});
  CHECK(problems_of(collective(CollectiveKind::all_gather, 32), "rw", {8, 16}) == Problems{});
  CHECK(problems_of(collective(CollectiveKind::all_gather, 32), "a", {16}) == Problems{});  // a range of it
  CHECK(problems_of(collective(CollectiveKind::all_gather, 16), "rw", {8, 16}) ==
        Problems{kForward + "its payload is 16 bytes, but what stands on a rank in the end is 32 bytes"});
  CHECK(problems_of(collective(CollectiveKind::reduce_scatter, 16), "rw", {16, 8}) ==
        Problems{kForward + "its payload is 16 bytes, but what is sent is 32 bytes"});
  CHECK(problems_of(collective(CollectiveKind::all_gather, 32), "rw", {4, 16}) ==
        Problems{kForward + "one of 2 members holds 4 elements, which is no share of 16"});
  CHECK(problems_of(collective(CollectiveKind::reduce_scatter, 32), "ra", {16, 8}) == Problems{});
  CHECK(problems_of(collective(CollectiveKind::reduce_scatter, 34), "rw", {17, 9}) ==
        Problems{});  // rounded up
  CHECK(problems_of(collective(CollectiveKind::reduce_scatter, 32), "rw", {16, 16}) ==
        Problems{kForward + "one of 2 members holds 16 elements, which is no share of 16"});
  Op gather;  // of fp32 shares as bf16: still half of the elements
  gather.kind = collective(CollectiveKind::all_gather, 32);
  gather.lane = Lane::tp;
  StepProgram cast_on_the_way = program_of(gather, "rw", {8, 16});
  cast_on_the_way.tensors[0].dtype = DType::fp32;
  CHECK(check_program(cast_on_the_way) == Problems{});
  CHECK(problems_of(collective(CollectiveKind::all_to_all, 32), "rw", {16, 16}) == Problems{});
  CHECK(problems_of(collective(CollectiveKind::all_to_all, 32), "a", {16}).size() == 1);
}

TEST_CASE("a transfer carries its tensor or one rank's share of it") {
  StepProgram program = golden();
  auto& send = std::get<Send>(block_named(program, "send forward").ops[0].kind);
  auto& receive = std::get<Recv>(block_named(program, "receive forward").ops[0].kind);
  send.payload = receive.payload = Bytes(32);
  CHECK(check_program(program) == Problems{});
  send.payload = receive.payload = Bytes(16);
  CHECK(
      check_program(program) ==
      Problems{"block \"send forward\", operation \"send forward\" (forward): its payload is 16 bytes, but "
               "hidden has 64",
               "block \"receive forward\", operation \"receive forward\" (forward): its payload is 16 bytes, "
               "but hidden has 64"});
}

TEST_CASE("operations queue on their kind's lane") {
  StepProgram program = golden();
  SECTION("a collective") {
    op_named(program, "dense_layer forward", "all-reduce out").lane = Lane::dp;
    CHECK(
        check_program(program) ==
        Problems{"block \"dense_layer forward\", operation \"all-reduce out\" (forward): a all-reduce queues "
                 "on lane tp, not dp"});
  }
  SECTION("compute") {
    op_named(program, "dense_layer forward", "qkv").lane = Lane::tp;
    CHECK(check_program(program).size() == 1);
  }
  SECTION("a transfer") {
    block_named(program, "send forward").ops[0].lane = Lane::tp;
    CHECK(check_program(program).front() ==
          "block \"send forward\", operation \"send forward\" (forward): a send queues on a lane of "
          "transfers in its direction, not tp");
  }
  SECTION("a transfer against its lane") {
    block_named(program, "send forward").ops[0].lane = Lane::pp_backward;
    CHECK(check_program(program).front() ==
          "block \"send forward\", operation \"send forward\" (forward): a send queues on a lane of "
          "transfers in its direction, not pp_backward");
  }
  SECTION("compute has no edges to compute") {
    op_named(program, "dense_layer forward", "qkv").blocks_compute = true;
    CHECK(check_program(program) == Problems{"block \"dense_layer forward\", operation \"qkv\" (forward): a "
                                             "kernel has no edges to compute of its own"});
  }
}
