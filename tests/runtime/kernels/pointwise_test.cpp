#include <cmath>
#include <numbers>

#include "runtime/device/cpu/cpu_device.hpp"
#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::pointwise_kernel {

namespace {

using Call = PointwiseCall;

const std::vector<PointwiseKind> kActivations = {PointwiseKind::gelu, PointwiseKind::relu,
                                                 PointwiseKind::sqrelu, PointwiseKind::silu,
                                                 PointwiseKind::sigmoid};
const std::vector<PointwiseKind> kGated = {PointwiseKind::swiglu, PointwiseKind::geglu, PointwiseKind::glu};
constexpr std::int64_t kLong = 40'000;  // more than the share of one thread

Case<Call> activation_case(PointwiseKind kind, std::int64_t elements, bool backward) {
  Draw draw(12);
  return {{.backward = backward, .kind = kind, .elements = elements},
          {{&Call::a, draw.numbers(elements, 6.0)},
           {&Call::b, backward ? draw.numbers(elements) : Numbers{}},
           {&Call::y, draw.numbers(elements)}}};
}

Case<Call> gated_case(PointwiseKind kind, std::int64_t rows, std::int64_t width, bool backward) {
  Draw draw(13);
  const std::int64_t n = rows * width;
  return {{.backward = backward, .kind = kind, .elements = n, .width = width},
          {{&Call::a, draw.numbers(2 * n, 3.0)},
           {&Call::b, backward ? draw.numbers(n) : Numbers{}},
           {&Call::y, draw.numbers(backward ? 2 * n : n)}}};
}

Case<Call> multiply_case(std::int64_t n, bool backward) {
  Draw draw(14);
  return {{.backward = backward, .kind = PointwiseKind::multiply, .elements = n},
          {{&Call::a, draw.numbers(n)},
           {&Call::b, draw.numbers(n)},
           {&Call::c, backward ? draw.numbers(n) : Numbers{}},
           {&Call::y, draw.numbers(n)},
           {&Call::y2, backward ? draw.numbers(n) : Numbers{}}}};
}

/// A case with one operand and one result.
Case<Call> simple_case(PointwiseKind kind, std::int64_t elements, std::int64_t width, std::int64_t result) {
  Draw draw(15);
  return {{.kind = kind, .elements = elements, .width = width, .scale = 0.5},
          {{&Call::a, kind == PointwiseKind::zero ? Numbers{} : draw.numbers(elements)},
           {&Call::y, draw.numbers(result)}}};
}

}  // namespace

TEST_CASE("activations, computed by hand") {
  // σ(ln 3) = 3/4, σ(0) = 1/2; Φ(1) = (1 + erf(1/√2))/2; φ(1) = e^(−1/2)/√(2π)
  const double ln3 = std::log(3.0);
  const double cumulative = (1 + std::erf(1 / std::numbers::sqrt2)) / 2;
  const double density = std::exp(-0.5) / std::sqrt(2 * std::numbers::pi);
  struct Row {
    PointwiseKind kind;
    Numbers x, y, dx;  // dx for dy = 2
  };
  const std::vector<Row> rows = {
      {PointwiseKind::relu, {-2, 0, 3}, {0, 0, 3}, {0, 0, 2}},
      {PointwiseKind::sqrelu, {-2, 0, 3}, {0, 0, 9}, {0, 0, 12}},
      {PointwiseKind::sigmoid, {ln3, 0}, {0.75, 0.5}, {2 * 0.75 * 0.25, 0.5}},
      {PointwiseKind::silu, {ln3, 0}, {0.75 * ln3, 0}, {2 * (0.75 + ln3 * 0.75 * 0.25), 1}},
      {PointwiseKind::gelu, {1, 0}, {cumulative, 0}, {2 * (cumulative + density), 1}},
  };
  for (const Row& row : rows) {
    const auto n = static_cast<std::int64_t>(row.x.size());
    Case<Call> one = {{.kind = row.kind, .elements = n},
                      {{&Call::y, Numbers(row.x.size(), 9.0)}, {&Call::a, row.x}}};
    check_values(one, {row.y});
    one.call.backward = true;
    one.operands.push_back({&Call::b, Numbers(row.x.size(), 2.0)});
    check_values(one, {row.dx});
  }
}

TEST_CASE("gated activations of rows {gate, up}, computed by hand") {
  // Two rows of {gate, up}: {ln 3, 4}, {0, 6}. glu: σ(gate)·up; swiglu: gate·σ(gate)·up.
  const double ln3 = std::log(3.0);
  Case<Call> one = {{.kind = PointwiseKind::glu, .elements = 2, .width = 1},
                    {{&Call::y, Numbers(2)}, {&Call::a, {ln3, 4, 0, 6}}}};
  check_values(one, {{3, 3}});
  one.call.kind = PointwiseKind::swiglu;
  check_values(one, {{3 * ln3, 0}});
  // Backward of glu with dy = 1: d gate = up·σ·(1 − σ), d up = σ
  one.call = {.backward = true, .kind = PointwiseKind::glu, .elements = 2, .width = 1};
  one.operands[0].values = Numbers(4, 9.0);
  one.operands.push_back({&Call::b, {1, 1}});
  check_values(one, {{4 * 0.1875, 0.75, 6 * 0.25, 0.5}});
}

TEST_CASE("sums and copies, computed by hand") {
  const Numbers x = {1, 2, 3, 4, 5, 6};
  const auto one = [&](PointwiseKind kind, const Numbers& y, std::int64_t width = 0) {
    return Case<Call>{{.kind = kind, .elements = 6, .width = width, .scale = 0.5},
                      {{&Call::y, y}, {&Call::a, x}}};
  };
  check_values(one(PointwiseKind::cast, Numbers(6)), {{0.5, 1, 1.5, 2, 2.5, 3}});
  // ‖x‖² = 100 by the call: x is divided by 10 (plus 1e-7) and halved.
  Case<Call> normalised = one(PointwiseKind::normalise, Numbers(6));
  normalised.operands.push_back({&Call::b, {100}});
  const double half = 0.5 / (10 + 1e-7);
  check_values(normalised, {{half, 2 * half, 3 * half, 4 * half, 5 * half, 6 * half}});
  check_values(one(PointwiseKind::accumulate, {10, 10, 10, 10, 10, 10}), {{11, 12, 13, 14, 15, 16}});
  check_values(one(PointwiseKind::sum_squares, {10}), {{10 + 0.5 * 91}});
  check_values(one(PointwiseKind::bias_gradient, {10, 20}, 2), {{10 + 9, 20 + 12}});
  check_values(Case<Call>{{.kind = PointwiseKind::zero, .elements = 3}, {{&Call::y, {1, 2, 3}}}},
               {{0, 0, 0}});
  Case<Call> add = one(PointwiseKind::add, Numbers(6));
  add.operands.push_back({&Call::b, {10, 20, 30, 40, 50, 60}});
  check_values(add, {{11, 22, 33, 44, 55, 66}});
  add.operands.back().values = {10, 20, 30};  // repeated
  check_values(add, {{11, 22, 33, 14, 25, 36}});
}

TEST_CASE("a product and its backward, computed by hand") {
  Case<Call> one = {{.kind = PointwiseKind::multiply, .elements = 2},
                    {{&Call::y, Numbers(2)}, {&Call::a, {2, 3}}, {&Call::b, {5, 7}}}};
  check_values(one, {{10, 21}});
  one.call.backward = true;
  one.operands.push_back({&Call::c, {10, 100}});
  one.operands.insert(one.operands.begin() + 1, {&Call::y2, Numbers(2)});
  check_values(one, {{50, 700}, {20, 300}});
}

TEST_CASE("activations agree with the reference") {
  for (const std::int64_t elements : {std::int64_t{3}, std::int64_t{77}, kLong}) {
    for (const bool backward : {false, true}) {
      INFO(elements << " elements, backward " << backward);
      for (const PointwiseKind kind : kActivations) {
        INFO(to_string(kind));
        check_against_reference(activation_case(kind, elements, backward), 1e-6);
      }
      check_against_reference(multiply_case(elements, backward), 1e-6);
    }
  }
  for (const auto& [rows, width] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {5, 13}, {300, 120}}) {
    for (const bool backward : {false, true}) {
      INFO(rows << " x " << width << ", backward " << backward);
      for (const PointwiseKind kind : kGated) {
        INFO(to_string(kind));
        check_against_reference(gated_case(kind, rows, width, backward), 1e-6);
      }
    }
  }
}

TEST_CASE("activations have the right limits far from zero") {
  CpuDevice processor;
  const Numbers far = {-1000, -100, 100, 1000};
  const auto values = [&](PointwiseKind kind) {
    return run_case(processor,
                    Case<Call>{{.kind = kind, .elements = 4}, {{&Call::y, Numbers(4)}, {&Call::a, far}}})[0];
  };
  CHECK(values(PointwiseKind::sigmoid) == Numbers{0, 0, 1, 1});
  CHECK(values(PointwiseKind::silu) == Numbers{0, 0, 100, 1000});
  CHECK(values(PointwiseKind::gelu) == Numbers{0, 0, 100, 1000});
}

TEST_CASE("sums and copies agree with the reference") {
  for (const std::int64_t n : {std::int64_t{1}, std::int64_t{77}, kLong}) {
    INFO(n << " elements");
    check_against_reference(simple_case(PointwiseKind::cast, n, 0, n), 0.0);
    Case<Call> scaled = simple_case(PointwiseKind::cast, n, 0, n);
    scaled.call.scale = -1.5;
    check_against_reference(scaled, 1e-6);
    check_against_reference(simple_case(PointwiseKind::zero, n, 0, n), 0.0);
    check_against_reference(simple_case(PointwiseKind::accumulate, n, 0, n), 1e-6);
    check_against_reference(simple_case(PointwiseKind::sum_squares, n, 0, 1), 1e-6);
  }
  for (const auto& [rows, width] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {9, 13}, {303, 200}}) {
    INFO(rows << " x " << width);
    check_against_reference(simple_case(PointwiseKind::bias_gradient, rows * width, width, width), 1e-6);
    Case<Call> add = simple_case(PointwiseKind::add, rows * width, 0, rows * width);
    Draw draw(16);
    add.operands.push_back({&Call::b, draw.numbers(width)});
    check_against_reference(add, 1e-6);
    add.operands.back().values = draw.numbers(rows * width);
    check_against_reference(add, 1e-6);
  }
}

TEST_CASE("backward activations are the gradients of the forward ones") {
  ReferenceDevice reference;
  for (const PointwiseKind kind : kActivations) {
    INFO(to_string(kind));
    const Case<Call> backward = activation_case(kind, 25, true);
    check_gradient(activation_case(kind, 25, false), 0, 2, backward.operands[1].values,
                   run_case(reference, backward)[2]);
  }
  for (const PointwiseKind kind : kGated) {
    INFO(to_string(kind));
    const Case<Call> backward = gated_case(kind, 3, 7, true);
    check_gradient(gated_case(kind, 3, 7, false), 0, 2, backward.operands[1].values,
                   run_case(reference, backward)[2]);
  }
}

}  // namespace foreshard::test::pointwise_kernel
