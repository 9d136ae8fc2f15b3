#include <cmath>

#include "tests/runtime/kernels/check_case.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

struct Shape {
  std::int64_t batch, sequence, heads, kv_heads, head_dim;
  bool causal;
};

AttentionCall call_of(Shape s, bool backward) {
  return {.backward = backward,
          .causal = s.causal,
          .batch = s.batch,
          .sequence = s.sequence,
          .heads = s.heads,
          .kv_heads = s.kv_heads,
          .head_dim = s.head_dim};
}

Case<AttentionCall> forward_case(Shape s, double scale = 1.0) {
  Draw draw(3);
  const std::int64_t tokens = s.batch * s.sequence;
  const auto written = [](std::int64_t n) { return Numbers(static_cast<std::size_t>(n), 9.0); };
  return {call_of(s, false),
          {{&AttentionCall::qkv, draw.numbers(tokens * (s.heads + 2 * s.kv_heads) * s.head_dim, scale)},
           {&AttentionCall::out, written(tokens * s.heads * s.head_dim)},
           {&AttentionCall::lse, written(tokens * s.heads)}}};
}

/// The backward call of a forward case, with the reference's results as inputs.
Case<AttentionCall> backward_case(Shape s, double scale = 1.0) {
  ReferenceDevice reference;
  const Case<AttentionCall> forward = forward_case(s, scale);
  const std::vector<Numbers> after = run_case(reference, forward);
  Draw draw(4);
  return {call_of(s, true),
          {{&AttentionCall::qkv, after[0]},
           {&AttentionCall::out, after[1]},
           {&AttentionCall::lse, after[2]},
           {&AttentionCall::d_out, draw.numbers(static_cast<std::int64_t>(after[1].size()))},
           {&AttentionCall::d_qkv, Numbers(after[0].size(), 9.0)}}};
}

const std::vector<Shape> kShapes = {
    {1, 1, 1, 1, 8, true},      // one token attends to itself
    {1, 7, 2, 2, 4, false},     // fewer tokens than a tile has rows
    {2, 65, 4, 2, 16, true},    // one row beyond a tile; grouped queries; two sequences
    {1, 130, 3, 1, 20, false},  // multi-query
    {2, 300, 2, 2, 8, true},    // beyond one tile of keys
    {1, 520, 4, 1, 12, false},  // three tiles of keys
    {1, 321, 2, 1, 64, true},
};

}  // namespace

TEST_CASE("attention of two tokens, computed by hand") {
  // d = 1, so scores are q·k. Token 0: q 0, k 0, v 2. Token 1: q 1, k ln 3, v 6.
  // Token 0 gives both keys score 0; token 1 gives them 0 and ln 3, weights 1/4 and 3/4.
  const double ln3 = std::log(3.0);
  const Numbers qkv = {0, 0, 2, 1, ln3, 6};
  Case<AttentionCall> one = {
      call_of({1, 2, 1, 1, 1, true}, false),
      {{&AttentionCall::out, Numbers(2)}, {&AttentionCall::lse, Numbers(2)}, {&AttentionCall::qkv, qkv}}};
  SECTION("causal: token 0 attends to itself only") {
    check_values(one, {{2, 0.25 * 2 + 0.75 * 6}, {0, std::log(4.0)}});
  }
  SECTION("not causal: token 0 attends to both tokens equally") {
    one.call.causal = false;
    check_values(one, {{(2 + 6) / 2.0, 0.25 * 2 + 0.75 * 6}, {std::log(2.0), std::log(4.0)}});
  }
  SECTION("backward, causal") {
    // Token 1 only, with dO = 1: dV = {1/4, 3/4}, D = O = 5, dS = P∘(V − 5) = {1/4·(−3), 3/4·1},
    // dq = Σ dS·k = 3/4·ln 3, dk = dS·q = dS.
    one.call.backward = true;
    one.operands[0].values = {2, 5};
    one.operands[1].values = {0, std::log(4.0)};
    one.operands.push_back({&AttentionCall::d_out, {0, 1}});
    one.operands.insert(one.operands.begin(), {&AttentionCall::d_qkv, Numbers(6, 9.0)});
    check_values(one, {{0, -0.75, 0.25, 0.75 * ln3, 0.75, 0.75}});
  }
}

TEST_CASE("groups of query heads share a kv head: heads 0 and 1 use the first, 2 and 3 the second") {
  // One token, which attends to itself only: O = V of its group. kv values 5 and 7.
  const Numbers qkv = {1, 2, 3, 4, 1, 1, 5, 7};
  const Case<AttentionCall> one = {
      call_of({1, 1, 4, 2, 1, true}, false),
      {{&AttentionCall::out, Numbers(4)}, {&AttentionCall::lse, Numbers(4)}, {&AttentionCall::qkv, qkv}}};
  check_values(one, {{5, 5, 7, 7}, {1, 2, 3, 4}});
}

TEST_CASE("attention agrees with the reference") {
  for (const Shape& shape : kShapes) {
    INFO("batch " << shape.batch << " sequence " << shape.sequence << " heads " << shape.heads << "/"
                  << shape.kv_heads << " d " << shape.head_dim << " causal " << shape.causal);
    check_against_reference(forward_case(shape), 2e-6);
    check_against_reference(backward_case(shape), 5e-6);
  }
}

TEST_CASE("attention is accurate for large scores") {
  // q and k up to 12 give scores of some hundreds, whose exp would overflow. A score of 300 has a rounding
  // error of 2e-5 in fp32, which becomes the relative error of the weights.
  const Shape shape = {1, 300, 2, 1, 16, true};
  check_against_reference(forward_case(shape, 12.0), 1e-4);
  check_against_reference(backward_case(shape, 12.0), 1e-3);
}

TEST_CASE("attention's backward is the gradient of its forward") {
  for (const bool causal : {true, false}) {
    const Shape shape = {2, 5, 4, 2, 6, causal};
    const Case<AttentionCall> backward = backward_case(shape);
    ReferenceDevice reference;
    check_gradient(forward_case(shape), 0, 1, backward.operands[3].values, run_case(reference, backward)[4]);
  }
}
