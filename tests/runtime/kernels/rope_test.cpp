#include <cmath>
#include <numbers>

#include "runtime/device/cpu/cpu_device.hpp"
#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::rope_kernel {

namespace {

Case<RopeCall> rope_case(const RopeCall& call) {
  Draw draw(7);
  return {call, {{&RopeCall::x, draw.numbers(call.tokens * call.row_width)}}};
}

const std::vector<RopeCall> kCalls = {
    {.tokens = 1, .sequence = 1, .heads = 1, .head_dim = 2, .row_width = 2},
    {.tokens = 30, .sequence = 10, .heads = 3, .head_dim = 16, .row_width = 64},
    {.tokens = 50, .sequence = 25, .heads = 2, .head_dim = 14, .row_width = 31, .theta = 500000.0},
};

}  // namespace

TEST_CASE("rotary embedding rotates the pairs (i, i + d/2) by position·θ^(−2i/d), computed by hand") {
  // d = 4, θ = 4/π²: the angle of pair 0 is the position, that of pair 1 position·θ^(−1/2) = position·π/2. At
  // position 1 the pair (x1, x3) = (1, 2) rotates by a quarter turn to (−2, 1), and (x0, x2) = (1, 0) to (cos
  // 1, sin 1). Position 0 is unchanged, and so is the column that does not belong to the head.
  const Numbers x = {1, 2, 3, 4, 5, 1, 1, 0, 2, 5};
  const double theta = 4.0 / (std::numbers::pi * std::numbers::pi);
  const Case<RopeCall> one = {
      {.tokens = 2, .sequence = 2, .heads = 1, .head_dim = 4, .row_width = 5, .theta = theta},
      {{&RopeCall::x, x}}};
  check_values(one, {{1, 2, 3, 4, 5, std::cos(1.0), -2, std::sin(1.0), 1, 5}});
}

TEST_CASE("rotary embedding agrees with the reference, forward and inverse") {
  for (RopeCall call : kCalls) {
    for (const bool inverse : {false, true}) {
      call.inverse = inverse;
      INFO(call.tokens << " tokens, " << call.heads << " heads of " << call.head_dim);
      check_against_reference(rope_case(call), 1e-6);
    }
  }
}

TEST_CASE("the inverse rotation undoes the rotation") {
  CpuDevice processor;
  for (const RopeCall& call : kCalls) {
    const Case<RopeCall> forward = rope_case(call);
    Case<RopeCall> back = forward;
    back.call.inverse = true;
    back.operands[0].values = run_case(processor, forward)[0];
    CHECK(distance(run_case(processor, back)[0], forward.operands[0].values) <= 1e-6);
  }
}

TEST_CASE("the inverse rotation of dy is the gradient of the rotation") {
  const Case<RopeCall> forward = rope_case(kCalls[1]);
  Draw draw(8);
  const Numbers dy = draw.numbers(kCalls[1].tokens * kCalls[1].row_width);
  Case<RopeCall> backward = forward;
  backward.call.inverse = true;
  backward.operands[0].values = dy;
  ReferenceDevice reference;
  check_gradient(forward, 0, 0, dy, run_case(reference, backward)[0]);
}

}  // namespace foreshard::test::rope_kernel
