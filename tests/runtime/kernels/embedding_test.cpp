#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::embedding_kernel {

namespace {

Case<EmbeddingCall> forward_case(std::int64_t tokens, std::int64_t width, std::int64_t rows,
                                 std::int64_t first_row) {
  Draw draw(9);
  return {{.tokens = tokens, .width = width, .rows = rows, .first_row = first_row},
          {{&EmbeddingCall::ids, draw.integers(tokens, 0, 3 * rows), DType::int32},
           {&EmbeddingCall::table, draw.numbers(rows * width)},
           {&EmbeddingCall::y, draw.numbers(tokens * width)}}};
}

Case<EmbeddingCall> backward_case(const Case<EmbeddingCall>& forward) {
  Draw draw(10);
  EmbeddingCall call = forward.call;
  call.backward = true;
  return {call,
          {forward.operands[0],
           {&EmbeddingCall::dy, draw.numbers(call.tokens * call.width)},
           {&EmbeddingCall::d_table, draw.numbers(call.rows * call.width)}}};
}

}  // namespace

TEST_CASE("embedding copies rows, gives zeros for other ranks' rows, and sums gradients, computed by hand") {
  // This rank has the rows 2 and 3.
  const Bound<EmbeddingCall> ids = {&EmbeddingCall::ids, {3, 0, 2, 3, 4}, DType::int32};
  const Case<EmbeddingCall> forward = {
      {.tokens = 5, .width = 2, .rows = 2, .first_row = 2},
      {{&EmbeddingCall::y, Numbers(10, 9.0)}, ids, {&EmbeddingCall::table, {1, 2, 3, 4}}}};
  check_values(forward, {{3, 4, 0, 0, 1, 2, 3, 4, 0, 0}});
  const Case<EmbeddingCall> backward = {
      {.backward = true, .tokens = 5, .width = 2, .rows = 2, .first_row = 2},
      {{&EmbeddingCall::d_table, {100, 200, 300, 400}},
       ids,
       {&EmbeddingCall::dy, {1, 2, 3, 4, 5, 6, 7, 8, 9, 9}}}};
  check_values(backward, {{105, 206, 308, 410}});
}

TEST_CASE("embedding agrees with the reference") {
  for (const auto& [tokens, width, rows, first_row] :
       std::vector<std::array<std::int64_t, 4>>{{1, 1, 1, 0}, {40, 33, 5, 5}, {200, 130, 16, 0}}) {
    INFO(tokens << " tokens, " << width << " wide");
    const Case<EmbeddingCall> forward = forward_case(tokens, width, rows, first_row);
    check_against_reference(forward, 0.0);
    check_against_reference(backward_case(forward), 1e-6);
  }
}

TEST_CASE("gradients of the table may be fp32 while everything else is bf16") {
  Case<EmbeddingCall> one = in_bf16(backward_case(forward_case(200, 130, 16, 0)));
  one.operands[2].type = DType::fp32;
  check_in_own_dtypes(one, 1e-5);
}

TEST_CASE("embedding's backward is the gradient of its forward") {
  const Case<EmbeddingCall> forward = forward_case(12, 3, 5, 5);
  Case<EmbeddingCall> backward = backward_case(forward);
  for (double& x : backward.operands[2].values) x = 0.0;
  ReferenceDevice reference;
  check_gradient(forward, 1, 2, backward.operands[1].values, run_case(reference, backward)[2]);
}

}  // namespace foreshard::test::embedding_kernel
