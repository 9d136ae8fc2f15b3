#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "tools/fit_kernels/measured_kernels.hpp"

namespace foreshard::fit {

/// Where a kernel stands among kernels of its kind: logarithms to base 2 of its sizes.
///   product            m, n, k
///   experts' products  experts, rows of an expert, n, k
///   attention          sequences times heads, query, key, head dimension
struct KernelPlace {
  static constexpr std::size_t kSizes = 4;
  std::uint64_t kind = 0;  ///< equal for kernels that may be compared: operation, pass, types, masks
  std::array<double, kSizes> sizes{};
};
/// None for passes over memory, whose time has one size only, and for what is several kernels of unlike kinds.
std::optional<KernelPlace> place_of(const MeasuredKernel& kernel);

/// Residuals of the model at measured kernels, log(measured/predicted), and what they say about a kernel between them:
///   r(x) = Σ wᵢ·rᵢ / (Σ wᵢ + w₀),   wᵢ = exp(−|x − xᵢ|²)
/// with distances in octaves: a kernel with twice one size counts e⁻¹ as much as one of the same size. w₀ is the weight of
/// the model itself, which counts as one more kernel with the residual 0, two octaves away: e⁻⁴. Far from all kernels of
/// the table r fades to 0.
class ResidualTable {
 public:
  void add(const KernelPlace& place, double residual) { points_.push_back({place, residual}); }
  [[nodiscard]] double at(const KernelPlace& place) const;

 private:
  struct Point {
    KernelPlace place;
    double residual = 0.0;
  };
  std::vector<Point> points_;
};

}  // namespace foreshard::fit
