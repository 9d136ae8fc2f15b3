#include <algorithm>
#include <cmath>

#include "runtime/device/moment_codes.hpp"
#include "runtime/device/remainder.hpp"
#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::update_kernel {

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
           {&UpdateCall::v, kind == OptimizerKind::sgd || kind == OptimizerKind::lion ? Numbers{} : v},
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
  // lion: (1 + 2)/2 > 0, so w = 10 − 0.1·(1 + 5), and m = (1 + 2)/2.
  check_values(one(OptimizerKind::lion), {{9.4}, {1.5}, {4}});
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
  for (const OptimizerKind kind :
       {OptimizerKind::adamw, OptimizerKind::adam, OptimizerKind::lion, OptimizerKind::sgd}) {
    for (const std::int64_t n : {std::int64_t{1}, std::int64_t{77}, std::int64_t{10'001}}) {
      for (const bool master : {false, true}) {
        INFO("optimizer " << static_cast<int>(kind) << ", " << n << " weights, master " << master);
        check_against_reference(update_case(kind, step, n, master), 1e-6);
      }
    }
  }
}

TEST_CASE("Muon's momentum and update, computed by hand") {
  // ‖g‖² = 16 and clip 2: g = 4 counts as 2. μ = 1/2: m = 1/2 + 2, iterate = 2 + m/2.
  const OptimizerStep step = {.learning_rate = 0.1, .weight_decay = 0.5, .clip_norm = 2.0, .momentum = 0.5};
  check_values(Case<UpdateCall>{{.kind = OptimizerKind::muon, .step = &step, .elements = 1},
                                {{&UpdateCall::m, {1}},
                                 {&UpdateCall::iterate, {9}},
                                 {&UpdateCall::gradient, {4}},
                                 {&UpdateCall::grad_norm, {16}}}},
               {{2.5}, {3.25}});
  // w = 10 − 0.1·(0.2·3 + 5)
  check_values(Case<UpdateCall>{{.kind = OptimizerKind::muon, .step = &step, .elements = 1, .scale = 0.2},
                                {{&UpdateCall::weight, {10}}, {&UpdateCall::iterate, {3}}}},
               {{9.44}});
}

TEST_CASE("moments in bf16") {
  const OptimizerStep step = {.step = 3};
  for (const OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::lion}) {
    Case<UpdateCall> one = update_case(kind, step, 1001, false);
    for (Bound<UpdateCall>& operand : one.operands) {
      if (operand.buffer != &UpdateCall::m && operand.buffer != &UpdateCall::v) continue;
      operand.type = DType::bf16;
      for (double& x : operand.values) x = rounded_to_bf16(x);
    }
    check_in_own_dtypes(one);
    check_in_own_dtypes(in_bf16(one));
  }
}

TEST_CASE("a number is the nearest bf16 one and what that lacks of it") {
  // 0x3F80C000 lies 3/4 of the way from 0x3F80 to 0x3F81.
  CHECK(SplitNumber::of(0x3F80C000U).upper == 0x3F81U);
  CHECK(SplitNumber::of(0x3F80C000U).remainder == 0xC000U);
  CHECK(SplitNumber::of(0x3F804000U).upper == 0x3F80U);
  CHECK(SplitNumber::of(0x3F808000U).upper == 0x3F81U);  // halfway: away from zero
  CHECK(SplitNumber::of(0xBFFFFFFFU).upper ==
        0xC000U);  // −2 is nearest to −1.99…; the exponent takes the carry
  for (const std::uint32_t bits : {0U, 0x3F80C000U, 0x3F807FFFU, 0x3F808000U, 0xBFFFFFFFU, 0x80000001U})
    CHECK(SplitNumber::of(bits).whole() == bits);
}

TEST_CASE("remainders of masters: the same update as with fp32 masters") {
  const OptimizerStep step = {.step = 3};
  for (const OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::lion, OptimizerKind::sgd}) {
    for (const std::int64_t n : {std::int64_t{1}, std::int64_t{1001}, std::int64_t{4096}}) {
      CAPTURE(static_cast<int>(kind), n);
      Case<UpdateCall> masters = update_case(kind, step, n, true);
      for (Bound<UpdateCall>& operand : masters.operands) {
        if (operand.buffer == &UpdateCall::weight) operand.type = DType::bf16;
        if (operand.buffer != &UpdateCall::weight && operand.buffer != &UpdateCall::master) continue;
        for (std::size_t i = 0; i < operand.values.size(); ++i)
          operand.values[i] = rounded_to_bf16(masters.operands[5].values[i]);
      }
      // Masters that are bf16 numbers lack nothing.
      Case<UpdateCall> remainders = masters;
      remainders.call.keeps_remainder = true;
      remainders.operands[2] = {&UpdateCall::master, Numbers(static_cast<std::size_t>(n), 0.0), DType::bf16};
      const std::vector<Numbers> expected = run_case(tested_device(), masters);
      const std::vector<Numbers> found = run_case(tested_device(), remainders);
      CHECK(found[5] == expected[5]);
      CHECK(found[3] == expected[3]);
    }
  }
}

TEST_CASE("remainders of masters sum up what bf16 weights would lose, computed by hand") {
  // 1 − 1/1024 is 0x3F7FC000: between 0x3F7F and 0x3F80, nearer to the second one, which is 1. A weight without a master
  // would stay 1 for ever. With the remainder 0xC000, which as a bf16 number is −2, a second step gives 1 − 2/1024 =
  // 0x3F7F8000, halfway: 1 again, remainder 0x8000 (−0). The third gives 0x3F7F4000: 0x3F7F and 0x4000 (2).
  const OptimizerStep step = {.learning_rate = 1.0 / 1024, .clip_norm = 100.0};
  Case<UpdateCall> one{{.kind = OptimizerKind::sgd, .keeps_remainder = true, .step = &step, .elements = 1},
                       {{&UpdateCall::weight, {1.0}, DType::bf16},
                        {&UpdateCall::master, {0.0}, DType::bf16},
                        {&UpdateCall::gradient, {1.0}},
                        {&UpdateCall::grad_norm, {1.0}}}};
  const std::vector<std::pair<double, double>> steps{{1.0, -2.0}, {1.0, -0.0}, {0.99609375, 2.0}};
  for (const auto& [weight, remainder] : steps) {
    const std::vector<Numbers> found = run_case(tested_device(), one);
    CHECK(found[0] == Numbers{weight});
    CHECK(found[1] == Numbers{remainder});
    one.operands[0].values = found[0];
    one.operands[1].values = found[1];
  }
}

TEST_CASE("the numbers of 8-bit codes") {
  const MomentCodes first = moment_codes(true);
  CHECK(std::is_sorted(first.numbers.begin(), first.numbers.end()));
  CHECK(first.numbers[255] == 1.0);
  // 64 parts of 0.1 … 1, the last in the middle of the last part; the smallest is 0.55·10⁻⁶.
  CHECK(first.numbers[254] == Approx(0.1 + 0.9 * 63.5 / 64));
  CHECK(first.numbers[127] == 0.0);
  CHECK(first.numbers[128] == Approx(0.55e-6));
  CHECK(first.numbers[126] == Approx(-0.55e-6));
  CHECK(first.numbers[0] == Approx(-(0.1 + 0.9 * 63.5 / 64)));
  const MomentCodes second = moment_codes(false);
  CHECK(second.numbers[0] == 0.0);
  CHECK(second.numbers[1] == Approx(1e-6 * (0.1 + 0.9 / 4)));
  CHECK(second.numbers[255] == 1.0);
}

TEST_CASE("8-bit moments, computed by hand") {
  // Codes 255 and 127 stand for 1 and 0, in the second moment 255 and 0: m = 2, 0 and v = 4, 0. g = 2, 0,
  // β = 1/2: m = 2, v = 4 again, so the codes stay. Second step: m̂ = 8/3, v̂ = 16/3; ε = 4 − √(16/3).
  const OptimizerStep step = {.step = 2,
                              .learning_rate = 0.1,
                              .beta1 = 0.5,
                              .beta2 = 0.5,
                              .epsilon = 4 - std::sqrt(16.0 / 3),
                              .weight_decay = 0.5,
                              .clip_norm = 100.0};
  Case<UpdateCall> two{{.kind = OptimizerKind::adamw_8bit, .step = &step, .elements = 2},
                       {{&UpdateCall::weight, {10, 10}},
                        {&UpdateCall::m, {255, 127}, DType::uint8},
                        {&UpdateCall::v, {255, 0}, DType::uint8},
                        {&UpdateCall::m_scale, {2}},
                        {&UpdateCall::v_scale, {4}},
                        {&UpdateCall::gradient, {2, 0}},
                        {&UpdateCall::grad_norm, {4}}}};
  check_values(two, {{10 - 0.1 * (2.0 / 3 + 5), 9.5}, {255, 127}, {255, 0}, {2}, {4}});
  // A small negative number becomes the smallest negative code, not zero.
  two.operands[5].values = {2, -1e-8};
  CHECK(run_case(tested_device(), two)[1] == Numbers{255, 126});
}

TEST_CASE("8-bit moments agree with the reference") {
  const OptimizerStep step = {.step = 3};
  for (const std::int64_t n : {std::int64_t{1}, std::int64_t{300}, std::int64_t{10'001}}) {
    CAPTURE(n);
    Draw draw(5);
    const std::int64_t blocks = (n + 255) / 256;
    Case<UpdateCall> one{{.kind = OptimizerKind::adamw_8bit, .step = &step, .elements = n},
                         {{&UpdateCall::weight, draw.numbers(n)},
                          {&UpdateCall::m, draw.integers(n, 0, 255), DType::uint8},
                          {&UpdateCall::v, draw.integers(n, 0, 255), DType::uint8},
                          {&UpdateCall::m_scale, draw.integers(blocks, 1, 3)},
                          {&UpdateCall::v_scale, draw.integers(blocks, 1, 3)},
                          {&UpdateCall::gradient, draw.numbers(n)},
                          {&UpdateCall::grad_norm, {7.0}}}};
    check_against_reference(one, 2e-3);  // a number near the middle of two codes can get either
    ReferenceDevice reference;
    const std::vector<Numbers> exact = run_case(reference, one);
    const std::vector<Numbers> found = run_case(tested_device(), one);
    for (const std::size_t operand : {std::size_t{0}, std::size_t{3}, std::size_t{4}})
      CHECK(distance(found[operand], exact[operand]) <= 1e-6);
    for (const std::size_t operand : {std::size_t{1}, std::size_t{2}}) {
      double furthest = 0.0;
      for (std::size_t i = 0; i < found[operand].size(); ++i)
        furthest = std::max(furthest, std::abs(found[operand][i] - exact[operand][i]));
      CHECK(furthest <= 1.0);
    }
  }
}

namespace {

/// w = 1 − 2⁻¹⁰, a quarter of the way from 1 to the next smaller bf16 number, 1 − 2⁻⁸.
Case<UpdateCall> rounded_case(const OptimizerStep& step, std::int64_t n, const RandomRounding& rounding) {
  Case<UpdateCall> one{{.kind = OptimizerKind::sgd, .step = &step, .elements = n},
                       {{&UpdateCall::weight, Numbers(static_cast<std::size_t>(n), 1.0), DType::bf16},
                        {&UpdateCall::gradient, Numbers(static_cast<std::size_t>(n), 1.0)},
                        {&UpdateCall::grad_norm, {1.0}}}};
  one.call.rounding = rounding;
  return one;
}

}  // namespace

TEST_CASE("weights that are rounded at random are right on average") {
  const OptimizerStep step = {.learning_rate = 1.0 / 1024};
  const Numbers weights =
      run_case(tested_device(),
               rounded_case(step, 4096, {.on = true, .stream = 7, .columns = 64, .model_columns = 64}))[0];
  double sum = 0.0;
  for (const double weight : weights) {
    CHECK((weight == 1.0 || weight == 1.0 - 1.0 / 256));
    sum += weight;
  }
  // A weight deviates by 2⁻⁸·√(3/16), the mean of 4096 by a 64th of that: five times that is 1.3e-4.
  CHECK(sum / 4096 == Approx(1.0 - 1.0 / 1024).margin(1.3e-4));
  SECTION("numbers that bf16 has stay as they are") {
    const OptimizerStep still = {.learning_rate = 0.0};
    const Numbers same = run_case(tested_device(), rounded_case(still, 100, {.on = true}))[0];
    CHECK(same == Numbers(100, 1.0));
  }
  SECTION("a shard is rounded like its part of the whole") {
    // Columns 16 … 47 of rows 10 … 63.
    const RandomRounding shard{
        .on = true, .stream = 7, .columns = 32, .model_first = 10 * 64 + 16, .model_columns = 64};
    const Numbers part = run_case(tested_device(), rounded_case(step, 54 * 32, shard))[0];
    for (std::size_t i = 0; i < part.size(); ++i) CHECK(part[i] == weights[(10 + i / 32) * 64 + 16 + i % 32]);
  }
  SECTION("another step rounds otherwise") {
    const OptimizerStep next = {.step = 2, .learning_rate = 1.0 / 1024};
    const Numbers others =
        run_case(tested_device(),
                 rounded_case(next, 4096, {.on = true, .stream = 7, .columns = 64, .model_columns = 64}))[0];
    CHECK(others != weights);
  }
}

}  // namespace foreshard::test::update_kernel
