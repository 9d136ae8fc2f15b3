#include <cmath>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "planner/cost/ops/minimise.hpp"
#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"
#include "tools/fit_kernels/fit_accelerator.hpp"
#include "tools/fit_kernels/judge_residuals.hpp"

using namespace foreshard;
using namespace foreshard::fit;

namespace {

const std::map<std::string, MeasuredSet>& bundled_sets() {
  static const std::map<std::string, MeasuredSet> sets =
      read_measured_kernels(std::filesystem::path(FORESHARD_SOURCE_DIR) / "configs/physics");
  return sets;
}

/// 100 TFLOP/s of bf16 at the efficiency, and 1 TB/s of memory.
AcceleratorSpec round_device(double efficiency) {
  AcceleratorSpec device;
  device.name = "round";
  device.memory_bandwidth = BytesPerSecond(1e12);
  device.gemm[static_cast<std::size_t>(DType::bf16)] = GemmRate{FlopsPerSecond(100e12), efficiency};
  device.kernels.memory_efficiency = 0.9;
  return device;
}

/// Cubes of bf16 that such a device multiplies in 3 us and at half its peak.
MeasuredSet cubes() {
  MeasuredSet set;
  for (const std::int64_t size : {256, 512, 1024, 2048, 4096}) {
    MeasuredKernel kernel;
    Op op;
    op.kind = Gemm{.m = size, .n = size, .k = size};
    for (const TensorId id : {TensorId(0), TensorId(1), TensorId(2)}) {
      Tensor tensor;
      tensor.dtype = DType::bf16;
      tensor.dims = {{.name = DimName::flat, .size = size * size}};
      kernel.program.tensors.push_back(std::move(tensor));
      op.operands.push_back({id, Access::read});
    }
    op.operands.back().access = Access::write;
    kernel.ops.push_back(std::move(op));
    const auto n = static_cast<double>(size);
    kernel.time = Seconds(3e-6 + 2.0 * n * n * n / 50e12);
    set.kernels.push_back(std::move(kernel));
  }
  return set;
}

}  // namespace

TEST_CASE("bundled accelerators reproduce measured kernels as well as they say") {
  constexpr double kRounding = 0.0015;  // the YAML gives three decimals
  for (const std::string& name : bundled_names(ConfigKind::accelerators)) {
    const AcceleratorSpec accelerator = load_accelerator(name);
    for (const KernelFit& said : accelerator.fits) {
      INFO(name << ": " << said.data);
      REQUIRE(bundled_sets().count(said.data) == 1);
      const KernelFit found = judge(accelerator, said.data, bundled_sets().at(said.data));
      CHECK(found.kernels == said.kernels);
      CHECK(found.mean_error == Approx(said.mean_error).margin(kRounding));
      CHECK(found.spread == Approx(said.spread).margin(kRounding));
    }
  }
}

TEST_CASE("what a table of residuals changes on shapes left out, by hand") {
  // All kernels take e^0.2 of the predicted time. Each cube is √3 octaves from the next, whose weight is e⁻³; the model's is
  // e⁻⁴ = 0.0183. The outer cubes have one neighbour in the other half's table, the three inner ones two; the ones after
  // those, e⁻²⁷, do not count.
  AcceleratorSpec device = round_device(0.5);
  device.fits = {{.data = "cubes", .fitted = true, .kernels = 5},
                 {.data = "others", .fitted = false, .kernels = 5}};
  MeasuredSet set = cubes();
  const std::vector<double> ratios = log_ratios(device, set);
  for (std::size_t i = 0; i < ratios.size(); ++i)
    set.kernels[i].time = std::exp(ratios[i] + 0.2) * set.kernels[i].time;
  const std::vector<ResidualGain> gains = judge_residuals(device, {{"cubes", set}, {"others", set}});
  REQUIRE(gains.size() == 2);
  const auto error_with = [](double weight) {
    return 1.0 - std::exp(-0.2 * (1.0 - weight / (weight + 0.0183)));
  };
  CHECK(gains[0].kernels == 5);
  CHECK(gains[0].error == Approx(1.0 - std::exp(-0.2)).epsilon(1e-9));
  CHECK(gains[0].left_out ==
        Approx((2.0 * error_with(std::exp(-3.0)) + 3.0 * error_with(2.0 * std::exp(-3.0))) / 5.0)
            .epsilon(1e-6));
  CHECK_FALSE(gains[0].from_fitted);
  // The other set has the shapes of the table: weights 1, and e⁻³ of one or two neighbours. (Those after
  // them have e⁻¹² = 6e-6.)
  REQUIRE(gains[1].from_fitted);
  CHECK(*gains[1].from_fitted ==
        Approx((2.0 * error_with(1.0 + std::exp(-3.0)) + 3.0 * error_with(1.0 + 2.0 * std::exp(-3.0))) / 5.0)
            .epsilon(1e-4));
}

TEST_CASE("every set of measured kernels is fitted or judges some accelerator") {
  std::map<std::string, bool> used;
  for (const std::string& name : bundled_names(ConfigKind::accelerators))
    for (const KernelFit& fit : load_accelerator(name).fits) used[fit.data] = true;
  for (const auto& [name, set] : bundled_sets()) {
    INFO(name);
    CHECK(used.count(name) == 1);
  }
}

TEST_CASE("judging compares the model's times with the measured ones") {
  // At 0.25 of the peak and without fixed time a cube of n takes 2n³ / 25 TFLOP/s.
  MeasuredSet set = cubes();
  set.kernels.erase(set.kernels.begin(), set.kernels.begin() + 4);
  // n = 4096: 5.4976 ms predicted, 2.7518 ms measured.
  const double n3 = 4096.0 * 4096.0 * 4096.0;
  const double ratio = (2.0 * n3 / 25e12) / (3e-6 + 2.0 * n3 / 50e12);
  const KernelFit fit = judge(round_device(0.25), "cube", set);
  CHECK(fit.kernels == 1);
  CHECK(fit.mean_error == Approx(ratio - 1.0));
  CHECK(fit.spread == Approx(0.0).margin(1e-9));
}

TEST_CASE("errors by class are those of the kernels whose times fall into it") {
  // Cubes of 256 to 4096 at 0.5 of the peak and 3 us; the device is said to reach 0.25 and no fixed time.
  //   measured 3 + 2n³/50e6 us: 3.7, 8.4, 45.9, 346.6, 2751.9 us; predicted 2n³/25e6 us: 1.3, 10.7, 85.9, 687.2, 5497.6
  AcceleratorSpec device = round_device(0.25);
  device.fits = {{.data = "cubes", .fitted = true}};
  const std::vector<ClassFit> classes = judge_by_class(device, {{"cubes", cubes()}});
  REQUIRE(classes.size() == 3);
  CHECK(classes[0].range == 0);
  CHECK(classes[0].kernels == 3);
  CHECK(classes[1].range == 2);
  CHECK(classes[1].kernels == 1);
  CHECK(classes[1].mean_error == Approx(687.1947673600 / 346.5973836800 - 1.0));
  CHECK(classes[2].range == 3);
  CHECK(classes[2].bias == Approx(std::log(5497.5581388800 / 2751.7790694400)));
  for (const ClassFit& fit : classes) {
    CHECK(fit.fitted);
    CHECK(fit.type == DType::bf16);
  }
}

TEST_CASE("products of a second at the power limit are predicted within 8% from 50 us on") {
  for (const char* const name : {"h200-141gb-sxm", "gb200"}) {
    AcceleratorSpec accelerator = load_accelerator(name);
    std::erase_if(accelerator.fits, [](const KernelFit& fit) {
      return fit.data.find("gemm-aic-sustained") == std::string::npos;
    });
    for (const ClassFit& fit : judge_by_class(accelerator, bundled_sets())) {
      INFO(name << " " << kClassRanges[fit.range]);
      if (fit.range > 0) CHECK(fit.mean_error <= 0.08);
    }
  }
}

TEST_CASE("a fit finds the constants of kernels that follow the model") {
  AcceleratorSpec start = round_device(0.8);
  start.kernels.gemm_fixed = Seconds(8e-6);
  start.kernels.gemm_k_prologue = 100;
  start.fits = {{.data = "cubes", .fitted = true}};
  const AcceleratorSpec fitted = fit_accelerator(start, {{"cubes", cubes()}});
  CHECK(fitted.gemm[static_cast<std::size_t>(DType::bf16)]->efficiency == Approx(0.5).margin(0.005));
  CHECK(fitted.kernels.gemm_fixed.value() == Approx(3e-6).margin(0.2e-6));
  CHECK(fitted.kernels.gemm_k_prologue < 5);
  CHECK(fitted.fits.front().mean_error < 0.01);
  CHECK(fitted.fits.front().fitted);
}

TEST_CASE("the simplex finds the least point, also on a bound") {
  const auto bowl = [](const std::vector<double>& x) {
    return (x[0] - 2.0) * (x[0] - 2.0) + 10.0 * (x[1] + 1.0) * (x[1] + 1.0);
  };
  const auto free = minimise({{0.0, 1.0, -10.0, 10.0}, {0.0, 1.0, -10.0, 10.0}}, bowl);
  CHECK(free[0] == Approx(2.0).margin(1e-4));
  CHECK(free[1] == Approx(-1.0).margin(1e-4));
  const auto bounded = minimise({{0.0, 1.0, -10.0, 1.0}, {0.5, 1.0, 0.0, 10.0}}, bowl);
  CHECK(bounded[0] == Approx(1.0).margin(1e-4));
  CHECK(bounded[1] == Approx(0.0).margin(1e-4));
}

TEST_CASE("a row that cannot be read is complained of with its place") {
  const std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("foreshard-physics-" + std::to_string(::getpid()));
  std::filesystem::create_directory(directory);
  std::ofstream(directory / "gemm.csv") << "set,dtype,m,n,k,result,accumulates,tflops\n"
                                        << "a,bf16,64,64,64,bf16,no,1.5\n"
                                        << "a,bf16,64,-3,64,bf16,no,1.5\n";
  CHECK_THROWS_WITH(read_measured_kernels(directory),
                    (directory / "gemm.csv").string() + ":3: n: '-3' is not what belongs there");
  std::filesystem::remove_all(directory);
}

TEST_CASE("a set that nobody has is complained of by name") {
  AcceleratorSpec device = round_device(0.5);
  device.fits = {{.data = "no-such-set", .fitted = true}};
  CHECK_THROWS_WITH(fit_accelerator(device, {}), "round: there is no set of measured kernels no-such-set");
}
