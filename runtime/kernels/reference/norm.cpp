// x, y, dy, dx, residual (rows,width)   weight, bias, d_weight, d_bias (width)
// x̂ = (x − μ)·r   r = 1/√(mean (x − μ)² + ε)   y = x̂∘w + b   g = dy∘w
// dx = r·(g − mean g − x̂·mean g∘x̂)   The root-mean-square norm is this with μ, b and mean g = 0.
// stats: r (rows), or {μ, r} (rows,2)
#include <cmath>
#include <cstdint>

#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {
namespace {

template <class Real>
void forward_row(const NormCall& call, const Real* x, const Real* weight, Real* y, Real* stats) {
  const bool centred = call.kind == NormKind::layernorm;
  const Real* bias = as<const Real>(call.bias);
  const Real width = static_cast<Real>(call.width);
  Real mean = 0;
  if (centred) {
    for (std::int64_t i = 0; i < call.width; ++i) mean += x[i];
    mean /= width;
  }
  Real squares = 0;
  for (std::int64_t i = 0; i < call.width; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const Real root = 1 / std::sqrt(squares / width + static_cast<Real>(call.epsilon));
  for (std::int64_t i = 0; i < call.width; ++i) {
    y[i] = (x[i] - mean) * root * weight[i] + (centred ? bias[i] : Real{0});
  }
  if (centred) *stats++ = mean;
  *stats = root;
}

template <class Real>
void backward_row(const NormCall& call, std::int64_t row, const Real* x, const Real* stats, const Real* dy,
                  const Real* residual, Real* dx) {
  const bool centred = call.kind == NormKind::layernorm;
  const Real* weight = as<const Real>(call.weight) + call.weights_of(row);
  Real* d_weight = call.d_weight.empty() ? nullptr : as<Real>(call.d_weight) + call.weights_of(row);
  Real* d_bias = as<Real>(call.d_bias);
  const Real width = static_cast<Real>(call.width);
  const Real mean = centred ? stats[0] : Real{0};
  const Real root = centred ? stats[1] : stats[0];
  Real mean_g = 0;
  Real mean_g_x = 0;
  for (std::int64_t i = 0; i < call.width; ++i) {
    const Real g = dy[i] * weight[i];
    if (centred) mean_g += g / width;
    mean_g_x += g * (x[i] - mean) * root / width;
  }
  for (std::int64_t i = 0; i < call.width; ++i) {
    const Real normed = (x[i] - mean) * root;
    if (d_weight != nullptr) d_weight[i] += dy[i] * normed;
    if (d_bias != nullptr && centred) d_bias[i] += dy[i];
    const Real gradient = root * (dy[i] * weight[i] - mean_g - normed * mean_g_x);
    dx[i] = gradient + (residual != nullptr ? residual[i] : Real{0});
  }
}

}  // namespace

template <class Real>
void run(const NormCall& call) {
  const std::int64_t stats_per_row = call.kind == NormKind::layernorm ? 2 : 1;
  const Real* x = as<const Real>(call.x);
  Real* stats = as<Real>(call.stats);
  for (std::int64_t row = 0; row < call.rows; ++row) {
    const std::int64_t at = call.place_of(row);
    if (call.backward) {
      const Real* residual = call.residual.empty() ? nullptr : as<const Real>(call.residual) + at;
      backward_row(call, row, x + at, stats + row * stats_per_row, as<const Real>(call.dy) + at, residual,
                   as<Real>(call.dx) + at);
    } else {
      forward_row(call, x + at, as<const Real>(call.weight) + call.weights_of(row), as<Real>(call.y) + at,
                  stats + row * stats_per_row);
    }
  }
}

template void run<float>(const NormCall&);
template void run<double>(const NormCall&);

}  // namespace foreshard::reference
