#include "tests/planner/cost/hand_built.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

TEST_CASE("a product takes two FLOPs per multiply-add") {
  const Op op = make_op(Gemm{.batch = 2, .m = 3, .n = 5, .k = 7});
  // 2 · 2·3·5·7 = 420
  CHECK(op_flops(op).model == Flops(420));
  CHECK(op_flops(op).hardware == Flops(420));
  CHECK(op_flops(op).executed == Flops(420));
}

TEST_CASE("a grouped product counts its tokens once, however many experts share them") {
  const Op op = make_op(GroupedGemm{.experts = 4, .tokens = 30, .n = 5, .k = 7});
  CHECK(op_flops(op).model == Flops(2 * 30 * 5 * 7));
}

TEST_CASE("backward of a weight product is twice its forward") {
  // Y (T,out) = X (T,in) · Wᵀ with T = 6, in = 4, out = 10: 2·6·10·4 = 480 forward.
  const Op forward = make_op(Gemm{.m = 6, .n = 10, .k = 4});
  const Op input = make_op(Gemm{.m = 6, .n = 4, .k = 10}, Phase::backward_input);
  const Op weight = make_op(Gemm{.m = 10, .n = 4, .k = 6}, Phase::backward_weight);
  CHECK(op_flops(forward).model == Flops(480));
  CHECK(op_flops(input).model + op_flops(weight).model == Flops(960));
}

TEST_CASE("recomputation is the hardware's work and not the model's") {
  const Op product = make_op(Gemm{.m = 6, .n = 10, .k = 4}, Phase::recompute);
  CHECK(op_flops(product).model == Flops(0));
  CHECK(op_flops(product).hardware == Flops(480));
  CHECK(op_flops(product).executed == Flops(480));

  const Attention core{
      .batch = 1, .query = 10, .key = 10, .heads = 1, .kv_heads = 1, .head_dim = 4, .v_head_dim = 4};
  const Op attention = make_op(core, Phase::recompute);
  CHECK(op_flops(attention).model == Flops(0));
  // Two products of 2·10·10·4 = 800.
  CHECK(op_flops(attention).hardware == Flops(1600));
  CHECK(op_flops(attention).executed == Flops(800));
}

TEST_CASE("flash attention: forward two products, backward five, of which the model has four") {
  const Attention core{.batch = 2,
                       .query = 16,
                       .key = 32,
                       .heads = 3,
                       .kv_heads = 1,
                       .head_dim = 8,
                       .v_head_dim = 8,
                       .causal = false};
  // One product: 2 · batch 2 · heads 3 · 16 · 32 · 8 = 49,152.
  const std::int64_t product = 49'152;
  const OpFlops forward = op_flops(make_op(core));
  CHECK(forward.model == Flops(2 * product));
  CHECK(forward.hardware == Flops(2 * product));
  CHECK(forward.executed == Flops(2 * product));

  const OpFlops backward = op_flops(make_op(core, Phase::backward_input));
  CHECK(backward.model == Flops(4 * product));
  CHECK(backward.hardware == Flops(5 * product));
  CHECK(backward.executed == Flops(5 * product));
}

TEST_CASE("a causal mask halves what flash attention executes, and nothing else") {
  const Attention core{
      .batch = 1, .query = 64, .key = 64, .heads = 2, .kv_heads = 2, .head_dim = 16, .v_head_dim = 16};
  const std::int64_t product = 2 * 2 * 64 * 64 * 16;
  const OpFlops forward = op_flops(make_op(core));
  CHECK(forward.model == Flops(2 * product));
  CHECK(forward.hardware == Flops(2 * product));
  CHECK(forward.executed == Flops(product));
  CHECK(op_flops(make_op(core, Phase::backward_input)).executed == Flops(5 * product / 2));
}

TEST_CASE("values may be narrower than queries and keys, as in latent attention") {
  const Attention core{.batch = 1,
                       .query = 10,
                       .key = 10,
                       .heads = 1,
                       .kv_heads = 1,
                       .head_dim = 6,
                       .v_head_dim = 4,
                       .causal = false};
  // S over 6, O over 4: 2·100·(6 + 4).
  CHECK(op_flops(make_op(core)).model == Flops(2'000));
  const OpFlops backward = op_flops(make_op(core, Phase::backward_input));
  CHECK(backward.model == Flops(4'000));
  // S, dQ, dK over 6 and dP, dV over 4: 2·100·(18 + 8).
  CHECK(backward.hardware == Flops(5'200));
}

TEST_CASE("an unfused attention core multiplies the full square") {
  Op scores = make_op(Gemm{.batch = 8, .m = 64, .n = 64, .k = 16});
  scores.component = Component::attention_core;
  const Flops full(2 * 8 * 64 * 64 * 16);
  CHECK(op_flops(scores).model == full);
  CHECK(op_flops(scores).executed == full);
}

TEST_CASE("only matrix products count as FLOPs") {
  const OpKind kind =
      GENERATE(OpKind(Pointwise{PointwiseKind::swiglu, 1000}), OpKind(Norm{NormKind::rmsnorm, 10, 100}),
               OpKind(Rope{10, 4, 8}), OpKind(Embedding{10, 100}),
               OpKind(CrossEntropy{CrossEntropyPart::loss, 10, 100}), OpKind(Route{10, 8, 2}),
               OpKind(Permute{10, 100}), OpKind(Collective{}), OpKind(Send{}), OpKind(Recv{}),
               OpKind(HostCopy{}), OpKind(OptimizerUpdate{OptimizerKind::adamw, 1000}));
  const OpFlops flops = op_flops(make_op(kind));
  CHECK(flops.model == Flops(0));
  CHECK(flops.hardware == Flops(0));
  CHECK(flops.executed == Flops(0));
}

TEST_CASE("a count of FLOPs that leaves 63 bits is an error, not a wrapped number") {
  const std::int64_t big = std::int64_t{1} << 21;
  // 2 · 2^21 · 2^21 · 2^21 = 2^64
  CHECK_THROWS_AS(op_flops(make_op(Gemm{.m = big, .n = big, .k = big})), CountOverflow);
}
