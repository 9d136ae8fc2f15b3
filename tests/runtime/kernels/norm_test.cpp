#include <cmath>

#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::norm_kernel {

namespace {

struct Shape {
  NormKind kind;
  std::int64_t rows, width;
};

Case<NormCall> forward_case(Shape s) {
  Draw draw(5);
  const bool layer = s.kind == NormKind::layernorm;
  return {{.kind = s.kind, .epsilon = 1e-5, .rows = s.rows, .width = s.width},
          {{&NormCall::x, draw.numbers(s.rows * s.width)},
           {&NormCall::weight, draw.numbers(s.width)},
           {&NormCall::bias, layer ? draw.numbers(s.width) : Numbers{}},
           {&NormCall::y, draw.numbers(s.rows * s.width)},
           {&NormCall::stats, draw.numbers(s.rows * (layer ? 2 : 1))}}};
}

/// Operands: x, weight, stats, dy, dx, residual, d_weight, d_bias.
Case<NormCall> backward_case(Shape s) {
  ReferenceDevice reference;
  const Case<NormCall> forward = forward_case(s);
  const std::vector<Numbers> after = run_case(reference, forward);
  Draw draw(6);
  NormCall call = forward.call;
  call.backward = true;
  return {call,
          {{&NormCall::x, after[0]},
           {&NormCall::weight, after[1]},
           {&NormCall::stats, after[4]},
           {&NormCall::dy, draw.numbers(s.rows * s.width)},
           {&NormCall::dx, draw.numbers(s.rows * s.width)},
           {&NormCall::residual, draw.numbers(s.rows * s.width)},
           {&NormCall::d_weight, draw.numbers(s.width)},
           {&NormCall::d_bias, s.kind == NormKind::layernorm ? draw.numbers(s.width) : Numbers{}}}};
}

const std::vector<Shape> kShapes = {
    {NormKind::rmsnorm, 1, 3},     {NormKind::rmsnorm, 1, 33},     {NormKind::rmsnorm, 70, 64},
    {NormKind::rmsnorm, 131, 100}, {NormKind::rmsnorm, 600, 24},   {NormKind::layernorm, 1, 5},
    {NormKind::layernorm, 3, 257}, {NormKind::layernorm, 133, 72},
};

}  // namespace

TEST_CASE("norms of one row, computed by hand") {
  SECTION("root mean square: of {3, 4, 0, 0} the mean square is 25/4, the root 2/5") {
    const Case<NormCall> one = {{.kind = NormKind::rmsnorm, .epsilon = 0.0, .rows = 1, .width = 4},
                                {{&NormCall::y, Numbers(4)},
                                 {&NormCall::stats, Numbers(1)},
                                 {&NormCall::x, {3, 4, 0, 0}},
                                 {&NormCall::weight, {1, 2, 3, 4}}}};
    check_values(one, {{1.2, 3.2, 0, 0}, {0.4}});
  }
  SECTION("layer: {1, 3} has mean 2 and variance 1; with ε = 3 the root is 1/2") {
    const Case<NormCall> one = {{.kind = NormKind::layernorm, .epsilon = 3.0, .rows = 1, .width = 2},
                                {{&NormCall::y, Numbers(2)},
                                 {&NormCall::stats, Numbers(2)},
                                 {&NormCall::x, {1, 3}},
                                 {&NormCall::weight, {2, 4}},
                                 {&NormCall::bias, {10, 20}}}};
    check_values(one, {{9, 22}, {2, 0.5}});
  }
  SECTION("backward of the root-mean-square norm adds the residual's gradient, and adds to d_weight") {
    // x = {3, 4, 0, 0}, r = 0.4, x̂ = {1.2, 1.6, 0, 0}; dy = w = 1 everywhere: g = 1, mean g∘x̂ = 0.7,
    // dx = 0.4·(1 − x̂·0.7) = {0.064, −0.048, 0.4, 0.4}
    const Case<NormCall> one = {
        {.backward = true, .kind = NormKind::rmsnorm, .epsilon = 0.0, .rows = 1, .width = 4},
        {{&NormCall::dx, Numbers(4, 9.0)},
         {&NormCall::d_weight, {1, 1, 1, 1}},
         {&NormCall::x, {3, 4, 0, 0}},
         {&NormCall::weight, {1, 1, 1, 1}},
         {&NormCall::stats, {0.4}},
         {&NormCall::dy, {1, 1, 1, 1}},
         {&NormCall::residual, {1, 2, 3, 4}}}};
    check_values(one, {{1.064, 1.952, 3.4, 4.4}, {2.2, 2.6, 1, 1}});
  }
}

TEST_CASE("norms agree with the reference") {
  for (const Shape& shape : kShapes) {
    INFO((shape.kind == NormKind::rmsnorm ? "rmsnorm " : "layernorm ") << shape.rows << " x " << shape.width);
    check_against_reference(forward_case(shape), 1e-6);
    Case<NormCall> backward = backward_case(shape);
    check_against_reference(backward, 2e-6);
    SECTION("residual and dx are the same buffer") {
      backward.operands.erase(backward.operands.begin() + 5);
      backward.same = {{&NormCall::dx, &NormCall::residual}};
      check_against_reference(backward, 2e-6);
    }
    SECTION("no gradients of weights, no residual") {
      backward.operands.resize(5);
      check_against_reference(backward, 2e-6);
    }
  }
}

TEST_CASE("gradients of weights may be fp32 while everything else is bf16") {
  for (const Shape& shape : kShapes) {
    INFO((shape.kind == NormKind::rmsnorm ? "rmsnorm " : "layernorm ") << shape.rows << " x " << shape.width);
    Case<NormCall> one = in_bf16(backward_case(shape));
    for (const std::size_t gradient : {6U, 7U}) one.operands[gradient].type = DType::fp32;
    check_in_own_dtypes(one);
  }
}

TEST_CASE("norms' backward is the gradient of their forward") {
  for (const NormKind kind : {NormKind::rmsnorm, NormKind::layernorm}) {
    const Shape shape = {kind, 3, 7};
    Case<NormCall> backward = backward_case(shape);
    backward.operands[5].values.clear();
    for (std::size_t i = 6; i < 8; ++i) {
      for (double& x : backward.operands[i].values) x = 0.0;
    }
    ReferenceDevice reference;
    const std::vector<Numbers> gradients = run_case(reference, backward);
    const Numbers& dy = backward.operands[3].values;
    const Case<NormCall> forward = forward_case(shape);
    check_gradient(forward, 0, 3, dy, gradients[4]);
    check_gradient(forward, 1, 3, dy, gradients[6]);
    if (kind == NormKind::layernorm) check_gradient(forward, 2, 3, dy, gradients[7]);
  }
}

}  // namespace foreshard::test::norm_kernel
