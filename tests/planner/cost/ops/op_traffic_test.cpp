#include "tests/planner/cost/hand_built.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

TEST_CASE("reading and writing cross memory once, accumulating twice") {
  // dW += dYᵀ·X with T = 6, out = 10, in = 4: bf16 operands, fp32 gradient.
  Tensors tensors;
  const TensorId dy = tensors.add(DType::bf16, {6, 10});
  const TensorId x = tensors.add(DType::bf16, {6, 4});
  const TensorId dw = tensors.add(DType::fp32, {10, 4}, TensorRole::gradient);
  const Gemm gemm{.m = 10, .n = 4, .k = 6};
  // 2·60 + 2·24 + 4·40 = 328; the sum is read as well: + 160.
  CHECK(op_traffic(make_op(gemm, {read(dy), read(x), write(dw)}), tensors.program()) == Bytes(328));
  CHECK(op_traffic(make_op(gemm, {read(dy), read(x), accumulate(dw)}), tensors.program()) == Bytes(488));
}

TEST_CASE("traffic is that of the rank's own part") {
  Tensors tensors;
  Tensor sharded;
  sharded.dtype = DType::bf16;
  sharded.dims = {Dim{DimName::tokens, 8}, Dim{.name = DimName::hidden, .size = 12, .tp = 4}};
  const TensorId x = tensors.add(sharded);
  const TensorId y = tensors.add(DType::bf16, {8, 3});
  // 8 · 12/4 = 24 elements read, 24 written, 2 bytes each.
  const Op op = make_op(Pointwise{PointwiseKind::gelu, 24}, {read(x), write(y)});
  CHECK(op_traffic(op, tensors.program()) == Bytes(96));
}

TEST_CASE("zeroing writes and does not read") {
  Tensors tensors;
  const TensorId gradient = tensors.add(DType::fp32, {1000}, TensorRole::gradient);
  const Op op = make_op(Pointwise{PointwiseKind::zero, 1000}, {write(gradient)}, Phase::optimizer);
  CHECK(op_traffic(op, tensors.program()) == Bytes(4000));
}

TEST_CASE("an embedding touches one row per token, not the table") {
  Tensors tensors;
  const TensorId ids = tensors.add(DType::int32, {10}, TensorRole::input);
  const TensorId table = tensors.add(DType::bf16, {1000, 8}, TensorRole::weight);
  const TensorId y = tensors.add(DType::bf16, {10, 8});
  const TensorId dtable = tensors.add(DType::fp32, {1000, 8}, TensorRole::gradient);
  const Embedding lookup{.tokens = 10, .width = 8};
  // ids 40, rows 10·8·2 = 160 read, y 160 written.
  const Op forward = make_op(lookup, {read(ids), read(table), write(y)});
  CHECK(op_traffic(forward, tensors.program()) == Bytes(360));
  // ids 40, dy 160 read, 10·8·4 = 320 of the gradient read and written.
  const Op backward = make_op(lookup, {read(ids), read(y), accumulate(dtable)}, Phase::backward_weight);
  CHECK(op_traffic(backward, tensors.program()) == Bytes(840));
}

TEST_CASE("an embedding with more tokens than rows reads each row from memory once") {
  Tensors tensors;
  const TensorId ids = tensors.add(DType::int32, {100}, TensorRole::input);
  const TensorId table = tensors.add(DType::bf16, {20, 8}, TensorRole::weight);
  const TensorId y = tensors.add(DType::bf16, {100, 8});
  const Op op = make_op(Embedding{.tokens = 100, .width = 8}, {read(ids), read(table), write(y)});
  // 400 + 20·8·2 + 100·8·2
  CHECK(op_traffic(op, tensors.program()) == Bytes(400 + 320 + 1600));
}

TEST_CASE("rotary embedding leaves the values alone") {
  // 6 q heads, 2 k heads, 2 v heads of 4 columns: 8 heads of the 10 are rotated.
  Tensors tensors;
  const TensorId qkv = tensors.add(DType::bf16, {5, 40});
  const Op op = make_op(Rope{.tokens = 5, .heads = 8, .head_dim = 4}, {accumulate(qkv)});
  // 5 · 32 elements of 2 bytes, read and written.
  CHECK(op_traffic(op, tensors.program()) == Bytes(640));
}

namespace {
/// AdamW on two weights of 100 elements, state in one flat buffer each, as `share` of the 200 parameters.
Op adamw(Tensors& tensors, DType gradient_dtype, std::int64_t share) {
  std::vector<Operand> operands;
  for (int weight = 0; weight < 2; ++weight)
    operands.push_back(read(tensors.add(gradient_dtype, {100}, TensorRole::gradient)));
  for (int state = 0; state < 3; ++state)
    operands.push_back(accumulate(tensors.add(DType::fp32, {share}, TensorRole::optimizer)));
  for (int weight = 0; weight < 2; ++weight)
    operands.push_back(write(tensors.add(DType::bf16, {100}, TensorRole::weight)));
  return make_op(OptimizerUpdate{OptimizerKind::adamw, share}, operands, Phase::optimizer);
}
}  // namespace

TEST_CASE("AdamW moves 30 bytes per parameter with fp32 gradients, 28 with bf16") {
  Tensors tensors;
  // 4 (or 2) gradient, 12 of state read and 12 written, 2 of weight written.
  const Op fp32_gradients = adamw(tensors, DType::fp32, 200);
  CHECK(op_traffic(fp32_gradients, tensors.program()) == Bytes(30 * 200));
  const Op bf16_gradients = adamw(tensors, DType::bf16, 200);
  CHECK(op_traffic(bf16_gradients, tensors.program()) == Bytes(28 * 200));
}

TEST_CASE("under ZeRO-1 an update works on its range of whole gradients and weights") {
  Tensors tensors;
  const Op op = adamw(tensors, DType::fp32, 50);
  CHECK(op_traffic(op, tensors.program()) == Bytes(30 * 50));
}

TEST_CASE("plain SGD has no moments to move") {
  Tensors tensors;
  const TensorId gradient = tensors.add(DType::fp32, {100}, TensorRole::gradient);
  const TensorId norm = tensors.add(DType::fp32, {1}, TensorRole::buffer);
  const TensorId weight = tensors.add(DType::fp32, {100}, TensorRole::weight);
  const Op op = make_op(OptimizerUpdate{OptimizerKind::sgd, 100},
                        {read(gradient), read(norm), accumulate(weight)}, Phase::optimizer);
  // 400 of gradients, the norm's 4, and fp32 weights changed in place: 800.
  CHECK(op_traffic(op, tensors.program()) == Bytes(1204));
}

TEST_CASE("communication is priced on its links, not as memory traffic") {
  Tensors tensors;
  const TensorId x = tensors.add(DType::bf16, {1000});
  const OpKind kind = GENERATE(OpKind(Collective{.payload = Bytes(2000)}),
                               OpKind(Send{.payload = Bytes(2000)}), OpKind(Recv{.payload = Bytes(2000)}));
  CHECK(op_traffic(make_op(kind, {accumulate(x)}), tensors.program()) == Bytes(0));
}
