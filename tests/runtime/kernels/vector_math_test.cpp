// The elementary functions of the loops, tested through kernels that compute little else: exp through the
// gradient of a cross-entropy of one column, Φ through gelu.
#include <cmath>
#include <limits>
#include <numbers>

#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::vector_math_kernel {

namespace {

Buffer buffer_of(std::vector<float>& numbers) {
  return {reinterpret_cast<std::byte*>(numbers.data()), static_cast<std::int64_t>(numbers.size())};
}

/// eˣ for every x, computed by the loops.
std::vector<float> exponentials(const cpu::KernelSet& loops, std::vector<float> x) {
  const auto n = static_cast<std::int64_t>(x.size());
  std::vector<float> max(x.size(), 0.0F);
  std::vector<float> gradients(x.size());
  std::vector<float> sums(2 * x.size(), 1.0F);
  std::vector<std::int32_t> labels(x.size(), -1);
  // d_logit = scale·exp(logit − max)/sum, with max 0, sum and scale 1 and no label.
  const CrossEntropyCall call = {.backward = true,
                                 .part = CrossEntropyPart::loss,
                                 .tokens = 1,
                                 .columns = n,
                                 .vocab = n,
                                 .scale = 1.0,
                                 .logits = buffer_of(x),
                                 .labels = {reinterpret_cast<std::byte*>(labels.data()), n},
                                 .max = buffer_of(max),
                                 .sums = buffer_of(sums),
                                 .loss = {},
                                 .d_logits = buffer_of(gradients)};
  loops.loss_backward(call, {0, 1});
  return gradients;
}

/// The distance from the exact value, in units of its last place in fp32.
double ulps(float found, double exact) {
  const float rounded = static_cast<float>(exact);
  const double ulp =
      static_cast<double>(std::nextafter(rounded, std::numeric_limits<float>::infinity())) - rounded;
  return std::abs(static_cast<double>(found) - exact) / ulp;
}

}  // namespace

TEST_CASE("exp has an error of at most 1.5 ulp for normal results, up to x = 88") {
  for (const cpu::KernelSet* loops : cpu::kernel_sets()) {
    INFO(loops->name);
    std::vector<float> x;
    for (double at = -87.33; at < 88.0; at += 3e-4) x.push_back(static_cast<float>(at));
    const std::vector<float> found = exponentials(*loops, x);
    double worst = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      worst = std::max(worst, ulps(found[i], std::exp(static_cast<double>(x[i]))));
    }
    CHECK(worst <= 1.5);
  }
}

TEST_CASE("exp is zero for subnormal results, exactly one at zero, and NaN for NaN") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const cpu::KernelSet* loops : cpu::kernel_sets()) {
    CHECK(exponentials(*loops, {-kInfinity, -1000.0F, -87.4F, 0.0F, -0.0F}) ==
          std::vector<float>{0, 0, 0, 1, 1});
    CHECK(std::isnan(exponentials(*loops, {std::numeric_limits<float>::quiet_NaN()})[0]));
  }
}

TEST_CASE("the normal distribution in gelu has an error of 1.5e-7, and a relative one of 4e-6 in the tail") {
  // gelu(x) = x·Φ(x) = x·erfc(−x/√2)/2, so an error e of Φ is one of |x|·e of gelu.
  for (const cpu::KernelSet* loops : cpu::kernel_sets()) {
    INFO(loops->name);
    std::vector<float> x;
    for (double at = -7.0; at < 7.0; at += 1e-4) x.push_back(static_cast<float>(at));
    std::vector<float> y(x.size());
    PointwiseCall call = {.kind = PointwiseKind::gelu, .elements = static_cast<std::int64_t>(x.size())};
    call.a = buffer_of(x);
    call.y = buffer_of(y);
    loops->elementwise(call, {0, call.elements});
    double worst = 0.0;
    double worst_relative = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double at = x[i];
      const double exact = at * std::erfc(-at / std::numbers::sqrt2) / 2;
      const double error = std::abs(static_cast<double>(y[i]) - exact);
      worst = std::max(worst, error / std::max(1.0, std::abs(at)));
      if (at > -5.6 && exact != 0.0) worst_relative = std::max(worst_relative, error / std::abs(exact));
    }
    CHECK(worst <= 1.5e-7);
    CHECK(worst_relative <= 4e-6);
  }
}

}  // namespace foreshard::test::vector_math_kernel
