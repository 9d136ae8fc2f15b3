#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::gemm_kernel {

namespace {

struct Shape {
  std::int64_t m, n, k;
};

Case<GemmCall> gemm_case(Shape s, bool transpose_a, bool transpose_b, bool accumulate, bool bias) {
  Draw draw(1);
  return {{.m = s.m,
           .n = s.n,
           .k = s.k,
           .transpose_a = transpose_a,
           .transpose_b = transpose_b,
           .accumulate = accumulate},
          {{&GemmCall::a, draw.numbers(s.m * s.k)},
           {&GemmCall::b, draw.numbers(s.k * s.n)},
           {&GemmCall::c, draw.numbers(s.m * s.n)},
           {&GemmCall::bias, bias ? draw.numbers(s.n) : Numbers{}}}};
}

}  // namespace

TEST_CASE("a product of two rows and three columns, computed by hand") {
  // A (2,2) = [1 2; 3 4], B (2,3) = [1 0 2; 0 1 −1]: A·B = [1 2 0; 3 4 2]
  const Numbers a = {1, 2, 3, 4};
  const Numbers a_transposed = {1, 3, 2, 4};
  const Numbers b = {1, 0, 2, 0, 1, -1};
  const Numbers b_transposed = {1, 0, 0, 1, 2, -1};
  const Numbers before = {100, 100, 100, 200, 200, 200};
  const Numbers bias = {10, 20, 30};
  Case<GemmCall> one = {{.m = 2, .n = 3, .k = 2},
                        {{&GemmCall::c, before}, {&GemmCall::a, a}, {&GemmCall::b, b}}};
  check_values(one, {{1, 2, 0, 3, 4, 2}});
  one.operands.push_back({&GemmCall::bias, bias});
  check_values(one, {{11, 22, 30, 13, 24, 32}});
  one.call.accumulate = true;
  check_values(one, {{111, 122, 130, 213, 224, 232}});
  one.call.transpose_a = true;
  one.operands[1].values = a_transposed;
  check_values(one, {{111, 122, 130, 213, 224, 232}});
  one.call.transpose_b = true;
  one.operands[2].values = b_transposed;
  check_values(one, {{111, 122, 130, 213, 224, 232}});
}

TEST_CASE(
    "products agree with the reference in every transposition, with and without bias and accumulation") {
  // The rounding error grows with √k: for k = 300, 1e-6 is ten times the expected error.
  for (const Shape shape : {Shape{1, 1, 1}, Shape{1, 7, 5}, Shape{5, 1, 9}, Shape{33, 17, 65},
                            Shape{64, 192, 128}, Shape{200, 70, 300}, Shape{131, 260, 31}}) {
    for (const bool transpose_a : {false, true}) {
      for (const bool transpose_b : {false, true}) {
        for (const bool accumulate : {false, true}) {
          for (const bool bias : {false, true}) {
            INFO(shape.m << " x " << shape.n << " x " << shape.k << " transposed " << transpose_a
                         << transpose_b << " accumulate " << accumulate << " bias " << bias);
            check_against_reference(gemm_case(shape, transpose_a, transpose_b, accumulate, bias), 1e-6);
          }
        }
      }
    }
  }
}

TEST_CASE("bf16 factors give fp32 gradients of weights") {
  for (const Shape shape : {Shape{33, 17, 65}, Shape{300, 530, 70}, Shape{64, 32, 16}}) {
    for (const bool accumulate : {false, true}) {
      INFO(shape.m << " x " << shape.n << " x " << shape.k << " accumulate " << accumulate);
      Case<GemmCall> one = in_bf16(gemm_case(shape, true, false, accumulate, false));
      one.operands[2].type = DType::fp32;
      // Products of two bf16 numbers are exact in fp32: only sums are rounded.
      check_in_own_dtypes(one, 1e-6);
    }
  }
}

TEST_CASE("a product with k = 0 is zero, or leaves C unchanged if it accumulates") {
  Case<GemmCall> one = {{.m = 2, .n = 2, .k = 0}, {{&GemmCall::c, {1, 2, 3, 4}}}};
  check_values(one, {{0, 0, 0, 0}});
  one.call.accumulate = true;
  check_values(one, {{1, 2, 3, 4}});
}

TEST_CASE("the backward products are the gradients of the forward one") {
  // Y (T,out) = X (T,in)·Wᵀ: dX = dY·W, dW = dYᵀ·X
  constexpr std::int64_t kTokens = 3;
  constexpr std::int64_t kIn = 4;
  constexpr std::int64_t kOut = 5;
  Draw draw(2);
  const Numbers x = draw.numbers(kTokens * kIn);
  const Numbers w = draw.numbers(kOut * kIn);
  const Numbers dy = draw.numbers(kTokens * kOut);
  const Case<GemmCall> forward = {
      {.m = kTokens, .n = kOut, .k = kIn, .transpose_b = true},
      {{&GemmCall::a, x}, {&GemmCall::b, w}, {&GemmCall::c, Numbers(kTokens * kOut)}}};
  ReferenceDevice reference;
  const Case<GemmCall> by_input = {
      {.m = kTokens, .n = kIn, .k = kOut},
      {{&GemmCall::a, dy}, {&GemmCall::b, w}, {&GemmCall::c, Numbers(kTokens * kIn)}}};
  check_gradient(forward, 0, 2, dy, run_case(reference, by_input)[2]);
  const Case<GemmCall> by_weight = {
      {.m = kOut, .n = kIn, .k = kTokens, .transpose_a = true},
      {{&GemmCall::a, dy}, {&GemmCall::b, x}, {&GemmCall::c, Numbers(kOut * kIn)}}};
  check_gradient(forward, 1, 2, dy, run_case(reference, by_weight)[2]);
}

}  // namespace foreshard::test::gemm_kernel
