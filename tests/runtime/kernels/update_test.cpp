#include <cmath>

#include "tests/runtime/kernels/check_case.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

Case<UpdateCall> update_case(OptimizerKind kind, const OptimizerStep& step, std::int64_t n, bool master) {
  Draw draw(17);
  Numbers v = draw.numbers(n, 0.1);
  for (double& x : v) x = std::abs(x);
  return {{.kind = kind, .step = &step, .elements = n},
          {{&UpdateCall::gradient, draw.numbers(n)},
           {&UpdateCall::grad_norm, {7.0}},
           {&UpdateCall::master, master ? draw.numbers(n) : Numbers{}},
           {&UpdateCall::m, kind == OptimizerKind::sgd ? Numbers{} : draw.numbers(n, 0.1)},
           {&UpdateCall::v, kind == OptimizerKind::sgd ? Numbers{} : v},
           {&UpdateCall::weight, draw.numbers(n)}}};
}

}  // namespace

TEST_CASE("one step of each optimizer, computed by hand") {
  // ‖g‖² = 16 and clip 2: g = 4 counts as 2. β1 = β2 = 1/2, second step: 1 − β² = 3/4.
  // m = (1 + 2)/2 = 3/2, m̂ = 2; v = (4 + 4)/2 = 4, v̂ = 16/3. Choose ε = 4 − √(16/3): direction 2/4 = 1/2.
  // adamw, lr 0.1, decay 0.5: w = 10 − 0.1·(1/2 + 5) = 9.45; adam 10 − 0.05; sgd 10 − 0.2.
  const OptimizerStep step = {.step = 2,
                              .learning_rate = 0.1,
                              .beta1 = 0.5,
                              .beta2 = 0.5,
                              .epsilon = 4 - std::sqrt(16.0 / 3),
                              .weight_decay = 0.5,
                              .clip_norm = 2.0};
  const auto one = [&](OptimizerKind kind) {
    return Case<UpdateCall>{{.kind = kind, .step = &step, .elements = 1},
                            {{&UpdateCall::weight, {10}},
                             {&UpdateCall::m, {1}},
                             {&UpdateCall::v, {4}},
                             {&UpdateCall::gradient, {4}},
                             {&UpdateCall::grad_norm, {16}}}};
  };
  check_values(one(OptimizerKind::adamw), {{9.45}, {1.5}, {4}});
  check_values(one(OptimizerKind::adam), {{9.95}, {1.5}, {4}});
  check_values(one(OptimizerKind::sgd), {{9.8}, {1}, {4}});
  SECTION("master weights are updated, and the weights become a copy of them") {
    Case<UpdateCall> with_master = one(OptimizerKind::adamw);
    with_master.operands.insert(with_master.operands.begin() + 1, {&UpdateCall::master, {20}});
    check_values(with_master, {{20 - 0.1 * 10.5}, {20 - 0.1 * 10.5}});
  }
  SECTION("a gradient below the clip norm, or zero, is not scaled") {
    Case<UpdateCall> small = one(OptimizerKind::sgd);
    small.operands[4].values = {1};
    check_values(small, {{10 - 0.4}});
    small.operands[3].values = {0};
    small.operands[4].values = {0};
    check_values(small, {{10}});
  }
}

TEST_CASE("updates agree with the reference") {
  const OptimizerStep step = {.step = 3};
  for (const OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::adam, OptimizerKind::sgd}) {
    for (const std::int64_t n : {std::int64_t{1}, std::int64_t{77}, std::int64_t{10'001}}) {
      for (const bool master : {false, true}) {
        INFO("optimizer " << static_cast<int>(kind) << ", " << n << " weights, master " << master);
        check_against_reference(update_case(kind, step, n, master), 1e-6);
      }
    }
  }
}
