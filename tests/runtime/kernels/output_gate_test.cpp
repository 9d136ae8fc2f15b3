#include <cmath>

#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::output_gate_kernel {

namespace {

Case<GateCall> gate_case(std::int64_t gates, std::int64_t width, bool backward) {
  Draw draw(21);
  const std::int64_t n = gates * width;
  const auto written = [](std::int64_t count) { return Numbers(static_cast<std::size_t>(count), 9.0); };
  return {{.backward = backward, .elements = n, .width = width},
          {{&GateCall::gate, draw.numbers(gates, 4.0)},
           {&GateCall::x, draw.numbers(n)},
           {&GateCall::y, backward ? Numbers() : written(n)},
           {&GateCall::dy, backward ? draw.numbers(n) : Numbers()},
           {&GateCall::d_gate, backward ? written(gates) : Numbers()},
           {&GateCall::dx, backward ? written(n) : Numbers()}}};
}

}  // namespace

TEST_CASE("a gate of every head, computed by hand") {
  // σ(0) = 1/2, σ(ln 3) = 3/4. Two heads of two numbers.
  Case<GateCall> one = {
      {.elements = 4, .width = 2},
      {{&GateCall::y, Numbers(4)}, {&GateCall::gate, {0, std::log(3.0)}}, {&GateCall::x, {1, 2, 4, 8}}}};
  check_values(one, {{0.5, 1, 3, 6}});
  // dx = dy·σ; d_gate = σ(1 − σ)·Σ dy·x: 1/4·(1 + 4) and 3/16·(0 + 8).
  one.call.backward = true;
  one.operands = {{&GateCall::dx, Numbers(4)},
                  {&GateCall::d_gate, Numbers(2)},
                  {&GateCall::gate, {0, std::log(3.0)}},
                  {&GateCall::x, {1, 2, 4, 8}},
                  {&GateCall::dy, {1, 2, 0, 1}}};
  check_values(one, {{0.5, 1, 0, 0.75}, {1.25, 1.5}});
}

TEST_CASE("output gates agree with the reference") {
  for (const std::int64_t width : {1, 5, 64}) {
    for (const std::int64_t gates : {1, 37, 2000}) {
      CAPTURE(width, gates);
      check_against_reference(gate_case(gates, width, false), 1e-6);
      check_against_reference(gate_case(gates, width, true), 2e-6);
    }
  }
}

TEST_CASE("an output gate's backward is the gradient of its forward") {
  for (const std::int64_t width : {1, 3}) {
    const Case<GateCall> backward = gate_case(4, width, true);
    const Case<GateCall> forward = gate_case(4, width, false);
    ReferenceDevice reference;
    const std::vector<Numbers> after = run_case(reference, backward);
    check_gradient(forward, 0, 2, backward.operands[3].values, after[4]);
    check_gradient(forward, 1, 2, backward.operands[3].values, after[5]);
  }
}

}  // namespace foreshard::test::output_gate_kernel
