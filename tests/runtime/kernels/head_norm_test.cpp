// Norms of query and key heads, which are next to each other in rows of {q, k, v}.
#include <array>
#include <cmath>
#include <stdexcept>

#include "runtime/device/check_call.hpp"
#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::head_norm_kernel {

namespace {

struct Shape {
  std::int64_t tokens, heads, first_heads, width;
  std::int64_t others;  // columns of a row that are not normed
  [[nodiscard]] std::int64_t row_width() const { return heads * width + others; }
};

NormCall call_of(const Shape& s) {
  return {.kind = NormKind::rmsnorm,
          .epsilon = 1e-5,
          .rows = s.tokens * s.heads,
          .width = s.width,
          .heads = s.heads,
          .first_heads = s.first_heads,
          .row_width = s.row_width()};
}

/// Operands: x, weight, y, stats.
Case<NormCall> forward_case(const Shape& s) {
  Draw draw(5);
  return {call_of(s),
          {{&NormCall::x, draw.numbers(s.tokens * s.row_width())},
           {&NormCall::weight, draw.numbers(2 * s.width)},
           {&NormCall::y, draw.numbers(s.tokens * s.row_width())},
           {&NormCall::stats, draw.numbers(s.tokens * s.heads)}}};
}

/// Operands: x, weight, stats, dy, dx, d_weight.
Case<NormCall> backward_case(const Shape& s) {
  ReferenceDevice reference;
  const std::vector<Numbers> after = run_case(reference, forward_case(s));
  Draw draw(6);
  NormCall call = call_of(s);
  call.backward = true;
  return {call,
          {{&NormCall::x, after[0]},
           {&NormCall::weight, after[1]},
           {&NormCall::stats, after[3]},
           {&NormCall::dy, draw.numbers(s.tokens * s.row_width())},
           {&NormCall::dx, draw.numbers(s.tokens * s.row_width())},
           {&NormCall::d_weight, draw.numbers(2 * s.width)}}};
}

const std::vector<Shape> kShapes = {
    {1, 2, 1, 2, 1}, {3, 5, 4, 7, 7}, {70, 12, 8, 64, 256}, {41, 3, 2, 33, 0}};

}  // namespace

TEST_CASE("norms of heads, computed by hand") {
  // Rows have two heads of two columns, and one more column; the second head has its own weights. {3, 4}:
  // mean square 25/2, reciprocal root √2/5. {1, 1}: mean square 1. {1, 3}: mean square 5.
  const double root = std::sqrt(2.0) / 5.0;
  const double other = 1.0 / std::sqrt(5.0);
  NormCall call = call_of({2, 2, 1, 2, 1});
  call.epsilon = 0.0;
  const Case<NormCall> one = {call,
                              {{&NormCall::y, Numbers(10, 9.0)},
                               {&NormCall::stats, Numbers(4)},
                               {&NormCall::x, {3, 4, 1, 1, 7, 1, 3, 3, 4, 7}},
                               {&NormCall::weight, {1, 2, 10, 20}}}};
  check_values(one, {{3 * root, 8 * root, 10, 20, 9, other, 6 * other, 30 * root, 80 * root, 9},
                     {root, 1, other, root}});
}

TEST_CASE("norms of heads agree with the reference") {
  for (const Shape& shape : kShapes) {
    INFO(shape.tokens << " x " << shape.heads << " heads of " << shape.width);
    check_against_reference(forward_case(shape), 1e-6);
    check_against_reference(backward_case(shape), 2e-6);
  }
}

TEST_CASE("norms of heads: backward is the gradient of forward, other columns are unchanged") {
  const Shape shape = {3, 5, 4, 7, 6};
  Case<NormCall> backward = backward_case(shape);
  // Other columns are not outputs of the norm: the weights of their gradients are 0.
  for (std::int64_t i = 0; i < shape.tokens * shape.row_width(); ++i) {
    if (i % shape.row_width() < shape.heads * shape.width) continue;
    backward.operands[3].values[static_cast<std::size_t>(i)] = 0.0;
    backward.operands[4].values[static_cast<std::size_t>(i)] = 0.0;
  }
  for (double& x : backward.operands[5].values) x = 0.0;
  ReferenceDevice reference;
  const std::vector<Numbers> gradients = run_case(reference, backward);
  const Numbers& dy = backward.operands[3].values;
  const Case<NormCall> forward = forward_case(shape);
  check_gradient(forward, 0, 2, dy, gradients[4]);
  check_gradient(forward, 1, 2, dy, gradients[5]);
}

TEST_CASE("heads that do not fit into their rows are refused") {
  NormCall call = call_of({2, 2, 1, 2, 0});
  call.row_width = 3;
  CHECK_THROWS_WITH(check_call(call), ContainsSubstring("2 heads of 2 do not fit into a row of 3"));
}

TEST_CASE("a norm of some columns of wider rows, computed by hand") {
  // Of rows of four columns, the second and third: {3, 4} has the mean square 25/2, {1, 1} the mean square 1.
  const double root = std::sqrt(2.0) / 5.0;
  const NormCall call{
      .kind = NormKind::rmsnorm, .epsilon = 0.0, .rows = 2, .width = 2, .row_width = 4, .first_column = 1};
  check_values<NormCall>({call,
                          {{&NormCall::y, Numbers(8, 9.0)},
                           {&NormCall::stats, Numbers(2)},
                           {&NormCall::x, {7, 3, 4, 7, 7, 1, 1, 7}},
                           {&NormCall::weight, {1, 2}}}},
                         {{9, 3 * root, 8 * root, 9, 9, 1, 2, 9}, {root, 1}});
  NormCall outside = call;
  outside.first_column = 3;
  CHECK_THROWS_AS(check_call(outside), std::invalid_argument);
}

TEST_CASE("norms of some columns of wider rows agree with the reference") {
  for (const auto& [rows, width, first, pitch] :
       {std::array<std::int64_t, 4>{3, 7, 2, 12}, {70, 512, 256, 1024}, {41, 96, 8, 128}}) {
    NormCall call{
        .kind = NormKind::rmsnorm, .rows = rows, .width = width, .row_width = pitch, .first_column = first};
    Draw draw(7);
    const Case<NormCall> forward{call,
                                 {{&NormCall::x, draw.numbers(rows * pitch)},
                                  {&NormCall::weight, draw.numbers(width)},
                                  {&NormCall::y, draw.numbers(rows * pitch)},
                                  {&NormCall::stats, draw.numbers(rows)}}};
    check_against_reference(forward, 1e-6);
    ReferenceDevice reference;
    const std::vector<Numbers> after = run_case(reference, forward);
    call.backward = true;
    check_against_reference<NormCall>({call,
                                       {{&NormCall::x, after[0]},
                                        {&NormCall::weight, after[1]},
                                        {&NormCall::stats, after[3]},
                                        {&NormCall::dy, draw.numbers(rows * pitch)},
                                        {&NormCall::dx, draw.numbers(rows * pitch)},
                                        {&NormCall::d_weight, draw.numbers(width)}}},
                                      2e-6);
  }
}

}  // namespace foreshard::test::head_norm_kernel
