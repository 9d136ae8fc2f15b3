#pragma once

#include <cstdint>
#include <limits>

#include "runtime/kernels/typed.hpp"

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

/// The logit of a head's sink; −∞, which has no weight in a softmax, if there are no sinks.
template <class Real>
Real sink_of(const Buffer& sinks, std::int64_t head) {
  return sinks.empty() ? -std::numeric_limits<Real>::infinity() : as<const Real>(sinks)[head];
}

}  // namespace foreshard::reference
