#pragma once

#include <cstdint>

/// Plain loops over the elements of a row that several reference kernels share.
namespace foreshard::reference {

/// Σ a·b over n elements, first to last.
template <class Real>
Real dot(const Real* a, const Real* b, std::int64_t n) {
  Real sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// y += factor·x over n elements.
template <class Real>
void add_scaled(Real* y, Real factor, const Real* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

}  // namespace foreshard::reference
