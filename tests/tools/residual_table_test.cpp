#include "tools/fit_kernels/residual_table.hpp"

#include <cmath>

#include "tests/support/catch.hpp"

namespace foreshard::fit {
namespace {

KernelPlace place(double size, std::uint64_t kind = 1) {
  return {.kind = kind, .sizes = {size, 10.0, 10.0, 0.0}};
}

TEST_CASE("a residual counts fully at its kernel, e⁻¹ an octave away, and fades to the model") {
  ResidualTable table;
  CHECK(table.at(place(10.0)) == 0.0);
  table.add(place(10.0), 0.1);
  // The model counts as a kernel two octaves away: e⁻⁴ = 0.0183.
  CHECK(table.at(place(10.0)) == Approx(0.1 / 1.0183).epsilon(1e-9));
  CHECK(table.at(place(11.0)) == Approx(0.1 * std::exp(-1.0) / (std::exp(-1.0) + 0.0183)).epsilon(1e-9));
  CHECK(table.at(place(12.0)) == Approx(0.05).epsilon(1e-3));  // as far as the model: half
  CHECK(std::abs(table.at(place(14.0))) < 1e-6);               // e⁻¹⁶ against e⁻⁴: 6e-6 of 0.1
}

TEST_CASE("halfway between two kernels their residuals count alike") {
  ResidualTable table;
  table.add(place(10.0), 0.1);
  table.add(place(12.0), -0.3);
  const double weight = std::exp(-1.0);
  CHECK(table.at(place(11.0)) == Approx((0.1 - 0.3) * weight / (2 * weight + 0.0183)).epsilon(1e-9));
}

TEST_CASE("kernels of another kind say nothing") {
  ResidualTable table;
  table.add(place(10.0, 2), 0.1);
  CHECK(table.at(place(10.0, 1)) == 0.0);
}

TEST_CASE("the place of a product has its sizes, and its kind its type and whether it adds") {
  MeasuredKernel kernel;
  kernel.ops.emplace_back().kind = Gemm{.m = 512, .n = 1024, .k = 4096};
  const std::optional<KernelPlace> written = place_of(kernel);
  REQUIRE(written);
  CHECK(written->sizes == std::array{9.0, 10.0, 12.0, 0.0});
  for (const Access access : {Access::read, Access::read, Access::accumulate})
    kernel.ops.front().operands.push_back({.tensor = TensorId(0), .access = access});
  CHECK(place_of(kernel)->kind != written->kind);
  kernel.ops.front().operands.clear();
  std::get<Gemm>(kernel.ops.front().kind).math = DType::fp8;
  CHECK(place_of(kernel)->kind != written->kind);
}

TEST_CASE("passes over memory have no place") {
  MeasuredKernel kernel;
  kernel.ops.emplace_back().kind = Pointwise{PointwiseKind::add, 4096};
  CHECK_FALSE(place_of(kernel));
}

}  // namespace
}  // namespace foreshard::fit
