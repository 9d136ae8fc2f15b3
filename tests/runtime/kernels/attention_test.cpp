#include <cmath>

#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::attention_kernel {

namespace {

constexpr AttentionMask kCausal{.causal = true};
constexpr AttentionMask kAll{.causal = false};

struct Shape {
  std::int64_t batch, sequence, heads, kv_heads, head_dim;
  AttentionMask mask;
  bool sinks = false;
};

AttentionCall call_of(Shape s, bool backward) {
  return {.backward = backward,
          .mask = s.mask,
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
  const Numbers qkv = draw.numbers(tokens * (s.heads + 2 * s.kv_heads) * s.head_dim, scale);
  return {call_of(s, false),
          {{&AttentionCall::qkv, qkv},
           {&AttentionCall::out, written(tokens * s.heads * s.head_dim)},
           {&AttentionCall::lse, written(tokens * s.heads)},
           {&AttentionCall::sinks, s.sinks ? draw.numbers(s.heads, 2.0) : Numbers()}}};
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
           {&AttentionCall::d_qkv, Numbers(after[0].size(), 9.0)},
           {&AttentionCall::sinks, after[3]},
           {&AttentionCall::d_sinks, Numbers(after[3].size(), 0.0)}}};
}

const std::vector<Shape> kShapes = {
    {1, 1, 1, 1, 8, kCausal},    // one token attends to itself
    {1, 7, 2, 2, 4, kAll},       // fewer tokens than a tile has rows
    {2, 65, 4, 2, 16, kCausal},  // one row beyond a tile; grouped queries; two sequences
    {1, 130, 3, 1, 20, kAll},    // multi-query
    {2, 300, 2, 2, 8, kCausal},  // beyond one tile of keys
    {1, 520, 4, 1, 12, kAll},    // three tiles of keys
    {1, 321, 2, 1, 64, kCausal},
    // Windows and chunks: within a tile of queries, across tiles, as long as a tile of keys and longer.
    {2, 70, 2, 1, 8, {.window = 1}},
    {2, 150, 4, 2, 16, {.window = 17}},
    {1, 600, 1, 1, 8, {.window = 256}},
    {1, 660, 1, 1, 8, {.window = 300}, true},
    {1, 90, 2, 2, 8, {.causal = false, .window = 8}},
    {1, 90, 2, 2, 8, {.causal = false, .window = 33}},
    {2, 150, 4, 2, 16, {.chunk = 50}},
    {1, 600, 1, 1, 8, {.chunk = 290}},
    {1, 90, 2, 2, 8, {.causal = false, .chunk = 40}},
    // Documents that follow one another: within a tile, beyond one, cut by the end of the sequence.
    {2, 150, 4, 2, 16, {.documents = {3, {7, 8, 61}}}},
    {1, 660, 1, 1, 8, {.documents = {2, {290, 300}}}, true},
    {1, 90, 2, 2, 8, {.causal = false, .documents = {2, {33, 40}}}},
    // Sinks.
    {1, 1, 1, 1, 8, kCausal, true},
    {2, 65, 4, 2, 16, kCausal, true},
    {1, 300, 2, 2, 64, kAll, true},
    {2, 150, 4, 2, 16, {.window = 17}, true},
};

}  // namespace

TEST_CASE("attention of two tokens, computed by hand") {
  // d = 1, so scores are q·k. Token 0: q 0, k 0, v 2. Token 1: q 1, k ln 3, v 6.
  // Token 0 gives both keys score 0; token 1 gives them 0 and ln 3, weights 1/4 and 3/4.
  const double ln3 = std::log(3.0);
  const Numbers qkv = {0, 0, 2, 1, ln3, 6};
  Case<AttentionCall> one = {
      call_of({1, 2, 1, 1, 1, kCausal}, false),
      {{&AttentionCall::out, Numbers(2)}, {&AttentionCall::lse, Numbers(2)}, {&AttentionCall::qkv, qkv}}};
  SECTION("causal: token 0 attends to itself only") {
    check_values(one, {{2, 0.25 * 2 + 0.75 * 6}, {0, std::log(4.0)}});
  }
  SECTION("not causal: token 0 attends to both tokens equally") {
    one.call.mask.causal = false;
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
      call_of({1, 1, 4, 2, 1, kCausal}, false),
      {{&AttentionCall::out, Numbers(4)}, {&AttentionCall::lse, Numbers(4)}, {&AttentionCall::qkv, qkv}}};
  check_values(one, {{5, 5, 7, 7}, {1, 2, 3, 4}});
}

TEST_CASE("attention agrees with the reference") {
  for (const Shape& shape : kShapes) {
    INFO("batch " << shape.batch << " sequence " << shape.sequence << " heads " << shape.heads << "/"
                  << shape.kv_heads << " d " << shape.head_dim << " causal " << shape.mask.causal
                  << " window " << shape.mask.window << " chunk " << shape.mask.chunk << " documents "
                  << shape.mask.documents.count << " sinks " << shape.sinks);
    check_against_reference(forward_case(shape), 2e-6);
    check_against_reference(backward_case(shape), 5e-6);
  }
}

TEST_CASE("attention is accurate for large scores") {
  // q and k up to 12 give scores of some hundreds, whose exp would overflow. A score of 300 has a rounding
  // error of 2e-5 in fp32, which becomes the relative error of the weights.
  const Shape shape = {1, 300, 2, 1, 16, kCausal};
  check_against_reference(forward_case(shape, 12.0), 1e-4);
  check_against_reference(backward_case(shape, 12.0), 1e-3);
}

TEST_CASE("attention's backward is the gradient of its forward") {
  const AttentionMask mask = GENERATE(AttentionMask{}, AttentionMask{.causal = false},
                                      AttentionMask{.window = 3}, AttentionMask{.causal = false, .window = 2},
                                      AttentionMask{.chunk = 2}, AttentionMask{.documents = {2, {1, 4}}});
  const bool sinks = GENERATE(false, true);
  CAPTURE(mask.causal, mask.window, mask.chunk, mask.documents.count, sinks);
  const Shape shape = {2, 5, 4, 2, 6, mask, sinks};
  const Case<AttentionCall> backward = backward_case(shape);
  ReferenceDevice reference;
  const std::vector<Numbers> after = run_case(reference, backward);
  check_gradient(forward_case(shape), 0, 1, backward.operands[3].values, after[4]);
  if (sinks) check_gradient(forward_case(shape), 3, 1, backward.operands[3].values, after[6]);
}

TEST_CASE("a window hides what lies before it, a chunk what lies outside it, computed by hand") {
  // All scores are 0, so each token's output is the mean of the values that it sees; lse is the log of their number.
  // Values 1 2 4 8 16.
  const Numbers qkv = {0, 0, 1, 0, 0, 2, 0, 0, 4, 0, 0, 8, 0, 0, 16};
  const auto one = [&](AttentionMask mask) {
    return Case<AttentionCall>{
        call_of({1, 5, 1, 1, 1, mask}, false),
        {{&AttentionCall::out, Numbers(5)}, {&AttentionCall::lse, Numbers(5)}, {&AttentionCall::qkv, qkv}}};
  };
  const double ln2 = std::log(2.0);
  const double ln3 = std::log(3.0);
  check_values(one({.window = 2}), {{1, 1.5, 3, 6, 12}, {0, ln2, ln2, ln2, ln2}});
  check_values(one({.chunk = 2}), {{1, 1.5, 4, 6, 16}, {0, ln2, 0, ln2, 0}});
  // Documents of 1 and 2 tokens: {1} {2 4} {8} {16 …}.
  check_values(one({.documents = {2, {1, 3}}}), {{1, 2, 3, 8, 16}, {0, 0, ln2, 0, 0}});
  // A window of 3 around each token: {1 2} {1 2 4} {2 4 8} {4 8 16} {8 16}.
  check_values(one({.causal = false, .window = 3}),
               {{1.5, 7 / 3.0, 14 / 3.0, 28 / 3.0, 12}, {ln2, ln3, ln3, ln3, ln2}});
}

TEST_CASE("a sink takes weight and gives nothing, computed by hand") {
  // Token 0: one key with score 0 and a sink of ln 3, weights 1/4 and 3/4, so O = 2/4. Token 1: scores 0 and ln 3
  // (as above) and the sink, weights 1/7, 3/7, 3/7: O = (2 + 3·6)/7.
  const double ln3 = std::log(3.0);
  const Numbers qkv = {0, 0, 2, 1, ln3, 6};
  Case<AttentionCall> one = {call_of({1, 2, 1, 1, 1, kCausal}, false),
                             {{&AttentionCall::out, Numbers(2)},
                              {&AttentionCall::lse, Numbers(2)},
                              {&AttentionCall::sinks, {ln3}},
                              {&AttentionCall::qkv, qkv}}};
  check_values(one, {{0.5, 20 / 7.0}, {std::log(4.0), std::log(7.0)}});
  // With dO = {2, 1}: d_sink = −3/4·(2·1/2) − 3/7·(20/7). It is added to what was there.
  one.call.backward = true;
  one.operands[0].values = {0.5, 20 / 7.0};
  one.operands[1].values = {std::log(4.0), std::log(7.0)};
  one.operands.push_back({&AttentionCall::d_out, {2, 1}});
  one.operands.push_back({&AttentionCall::d_qkv, Numbers(6, 9.0)});
  one.operands.insert(one.operands.begin(), {&AttentionCall::d_sinks, {5}});
  check_values(one, {{5 - 0.75 - 60 / 49.0}});
}

}  // namespace foreshard::test::attention_kernel
