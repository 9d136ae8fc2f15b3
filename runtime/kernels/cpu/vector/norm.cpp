// x, y, dy, dx, residual (rows,width)   weight, bias, d_weight, d_bias (width)   stats r (rows) or {μ, r}
// (rows,2) x̂ = (x − μ)·r   y = x̂∘w + b   dx = r·(dy∘w − mean dy∘w − x̂·mean dy∘w∘x̂) [+ residual] A row is read
// from memory once; what follows finds it in the first cache.
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

FORESHARD_INLINE float sum_of(const float* x, std::int64_t n) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += x[i];
  return sum;
}

FORESHARD_INLINE float sum_squares_about(const float* x, float mean, std::int64_t n) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

struct BackwardRow {
  const float* x;
  const float* dy;
  const float* residual;  ///< or null
  float* dx;
  float mean;
  float root;
};

/// Writes dx of a row whose means of g and g∘x̂ are known.
FORESHARD_INLINE void write_dx(const BackwardRow& row, const float* weight, float mean_g, float mean_g_x,
                               std::int64_t n) {
  const float* x = row.x;
  const float* dy = row.dy;
  const float* residual = row.residual;
  float* dx = row.dx;
  const float mean = row.mean;
  const float root = row.root;
  if (residual == nullptr) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      dx[i] = root * (dy[i] * weight[i] - mean_g - (x[i] - mean) * root * mean_g_x);
    }
  } else {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      dx[i] = residual[i] + root * (dy[i] * weight[i] - mean_g - (x[i] - mean) * root * mean_g_x);
    }
  }
}

FORESHARD_INLINE void backward_row(const BackwardRow& row, bool centred, const float* weight, std::int64_t n,
                                   float* d_weight, float* d_bias) {
  const float* x = row.x;
  const float* dy = row.dy;
  const float mean = row.mean;
  const float root = row.root;
  float sum_g = 0.0F;
  float sum_g_x = 0.0F;
#pragma omp simd reduction(+ : sum_g, sum_g_x)
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = dy[i] * weight[i];
    sum_g += g;
    sum_g_x += g * (x[i] - mean);
  }
  if (d_weight != nullptr) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) d_weight[i] += dy[i] * ((x[i] - mean) * root);
  }
  if (d_bias != nullptr) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) d_bias[i] += dy[i];
  }
  const float mean_of = 1.0F / static_cast<float>(n);
  write_dx(row, weight, centred ? sum_g * mean_of : 0.0F, sum_g_x * root * mean_of, n);
}

}  // namespace

void norm_forward(const NormCall& call, Range rows) {
  const bool centred = call.kind == NormKind::layernorm;
  const std::int64_t n = call.width;
  const float* bias = as<const float>(call.bias);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const float* weight = as<const float>(call.weight) + call.weights_of(row);
    const float* x = as<const float>(call.x) + call.place_of(row);
    float* y = as<float>(call.y) + call.place_of(row);
    float* stats = as<float>(call.stats) + row * (centred ? 2 : 1);
    const float mean = centred ? sum_of(x, n) / static_cast<float>(n) : 0.0F;
    const float variance = sum_squares_about(x, mean, n) / static_cast<float>(n);
    const float root = 1.0F / __builtin_sqrtf(variance + static_cast<float>(call.epsilon));
    if (centred) {
      stats[0] = mean;
      stats[1] = root;
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * root * weight[i] + bias[i];
    } else {
      stats[0] = root;
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] * root * weight[i];
    }
  }
}

void norm_backward(const NormCall& call, Range rows, float* d_weight, float* d_bias) {
  const bool centred = call.kind == NormKind::layernorm;
  const std::int64_t n = call.width;
  const float* residual = as<const float>(call.residual);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const float* stats = as<const float>(call.stats) + row * (centred ? 2 : 1);
    const std::int64_t at = call.place_of(row);
    const std::int64_t weights = call.weights_of(row);
    const BackwardRow here{as<const float>(call.x) + at,
                           as<const float>(call.dy) + at,
                           residual == nullptr ? nullptr : residual + at,
                           as<float>(call.dx) + at,
                           centred ? stats[0] : 0.0F,
                           centred ? stats[1] : stats[0]};
    backward_row(here, centred, as<const float>(call.weight) + weights, n,
                 d_weight == nullptr ? nullptr : d_weight + weights, centred ? d_bias : nullptr);
  }
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
