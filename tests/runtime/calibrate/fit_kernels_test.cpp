#include "planner/fit/fit_kernels.hpp"

#include <algorithm>

#include "runtime/calibrate/kernel_probes.hpp"
#include "tests/runtime/calibrate/synthetic_kernels.hpp"
#include "tests/support/catch.hpp"

// Kernels "measured" on a machine with known constants: the fit must recover the constants.

namespace foreshard::test {
namespace {

constexpr auto kFp32 = static_cast<std::size_t>(DType::fp32);

double no_noise(std::size_t) { return 1.0; }

const FamilyFit& of(const std::vector<FamilyFit>& fits, const KernelFamily& family) {
  return *std::find_if(fits.begin(), fits.end(), [&](const FamilyFit& fit) { return fit.family == family; });
}

const AttentionRate& attention(const AcceleratorSpec& spec, bool backward) {
  const FlashAttention& flash = *spec.kernels.attention[static_cast<std::size_t>(FlashVersion::fa2)];
  return backward ? flash.backward : flash.forward;
}

TEST_CASE("the fit recovers the constants of products from exact times") {
  const AcceleratorSpec known = known_machine();
  AcceleratorSpec found;
  fit_kernels(measured_on(known, kernel_probes(CalibrationEffort::usual), no_noise), found);
  const GemmRate& rate = *found.gemm[kFp32];
  // Large products approach 0.9 · 80 GFLOP/s, and none exceeds it. Only the product of peak and efficiency is
  // measured; the definition of the peak separates the two.
  CHECK((rate.efficiency * rate.peak).value() == Approx(72e9).epsilon(0.01));
  CHECK(rate.efficiency == Approx(1.0).epsilon(0.01));
  CHECK(found.kernels.gemm_fixed.value() == Approx(5e-6).epsilon(0.1));
  CHECK(found.kernels.gemm_k_prologue == Approx(40).margin(4));
  CHECK(found.kernels.gemm_accumulate == Approx(0.8).epsilon(0.01));
}

TEST_CASE("the fit recovers the constants of passes over memory from exact times") {
  const AcceleratorSpec known = known_machine();
  AcceleratorSpec found;
  const std::vector<FamilyFit> fits =
      fit_kernels(measured_on(known, kernel_probes(CalibrationEffort::usual), no_noise), found);
  CHECK(found.kernels.launch.value() == Approx(1e-6).epsilon(0.05));
  CHECK(found.kernels.memory_half_size.as_double() == Approx(32 << 10).epsilon(0.05));
  CHECK(found.memory_bandwidth.value() == Approx(20e9).epsilon(0.01));
  const auto bandwidth = [&](MemoryPass pass, bool backward) {
    return of(fits, {.pass = pass, .backward = backward}).bandwidth.value();
  };
  CHECK(bandwidth(MemoryPass::elementwise, false) == Approx(20e9).epsilon(0.01));
  CHECK(bandwidth(MemoryPass::norm, false) == Approx(8e9).epsilon(0.01));
  CHECK(bandwidth(MemoryPass::norm, true) == Approx(5e9).epsilon(0.01));
  CHECK(bandwidth(MemoryPass::activation, false) == Approx(4e9).epsilon(0.01));
  CHECK(bandwidth(MemoryPass::activation, true) == Approx(2e9).epsilon(0.01));
  // Kinds that are not set use the machine's memory_efficiency, 0.5.
  CHECK(bandwidth(MemoryPass::optimizer, false) == Approx(10e9).epsilon(0.01));
}

TEST_CASE("the fit recovers the constants of attention from exact times") {
  const AcceleratorSpec known = known_machine();
  AcceleratorSpec found;
  fit_kernels(measured_on(known, kernel_probes(CalibrationEffort::usual), no_noise), found);
  for (const bool backward : {false, true}) {
    const AttentionRate& want = attention(known, backward);
    const AttentionRate& got = attention(found, backward);
    const double rate = got.efficiency * found.gemm[kFp32]->peak.value();
    CHECK(rate == Approx(want.efficiency * 80e9).epsilon(0.03));
    CHECK(got.score_cost == Approx(want.score_cost).margin(3));
    CHECK(got.key_prologue == Approx(want.key_prologue).margin(3));
  }
}

TEST_CASE("the fitted constants reproduce exact times of every family, without spread") {
  AcceleratorSpec found;
  const std::vector<FamilyFit> fits =
      fit_kernels(measured_on(known_machine(), kernel_probes(CalibrationEffort::usual), no_noise), found);
  for (const FamilyFit& fit : fits) {
    INFO(to_string(fit.family));
    CHECK(fit.mean_error < 0.02);
    CHECK(fit.unsteadiness == Approx(0.01));
  }
  CHECK(found.kernels.spread <= 0.02);
  // Products, attention forward and backward, and the kinds of passes of Llama and GPT.
  CHECK(fits.size() >= 14);
  CHECK(found.fits.size() == fits.size());
}

TEST_CASE("noise changes rates by less than its own size and appears as spread") {
  // Factors 1.2 and 1/1.2 for alternating kernels: ±log 1.2.
  const auto noise = [](std::size_t kernel) { return kernel % 2 == 0 ? 1.2 : 1.0 / 1.2; };
  AcceleratorSpec found;
  const std::vector<FamilyFit> fits =
      fit_kernels(measured_on(known_machine(), kernel_probes(CalibrationEffort::usual), noise), found);
  const GemmRate& rate = *found.gemm[kFp32];
  CHECK((rate.efficiency * rate.peak).value() == Approx(72e9).epsilon(0.2));
  // With the known constants every |predicted/measured − 1| is 0.2 or 1/6; the fit is at least as good.
  CHECK(of(fits, {.pass = MemoryPass::gemm}).mean_error < 0.21);
  CHECK(found.kernels.spread == Approx(0.18).margin(0.08));
}

TEST_CASE("one outlier does not change the constants of its family") {
  const auto measured = [](double outlier) {
    KernelMeasurements kernels =
        measured_on(known_machine(), kernel_probes(CalibrationEffort::usual), no_noise);
    for (MeasuredKernel& kernel : kernels.kernels) {
      if (family_of(kernel.op) != KernelFamily{.pass = MemoryPass::gemm}) continue;
      kernel.time.median = outlier * kernel.time.median;
      break;
    }
    return kernels;
  };
  AcceleratorSpec found;
  fit_kernels(measured(10.0), found);
  const GemmRate& rate = *found.gemm[kFp32];
  CHECK((rate.efficiency * rate.peak).value() == Approx(72e9).epsilon(0.03));
}

TEST_CASE("the same measurements give the same constants") {
  const KernelMeasurements measured =
      measured_on(known_machine(), kernel_probes(CalibrationEffort::quick), no_noise);
  AcceleratorSpec once;
  AcceleratorSpec again;
  fit_kernels(measured, once);
  fit_kernels(measured, again);
  CHECK(once.kernels.gemm_fixed == again.kernels.gemm_fixed);
  CHECK(once.kernels.memory_fraction == again.kernels.memory_fraction);
  CHECK(once.kernels.attention == again.kernels.attention);
  CHECK(once.memory_bandwidth == again.memory_bandwidth);
}

}  // namespace
}  // namespace foreshard::test
