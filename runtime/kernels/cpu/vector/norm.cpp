// x, y, dy, dx, residual (rows,width)   weight, bias, d_weight, d_bias (width)
// stats: r (rows) or {μ, r} (rows,2)
//   x̂ = (x − μ)·r   y = x̂∘w + b   dx = r·(dy∘w − mean dy∘w − x̂·mean dy∘w∘x̂) [+ residual]
// A row is read from memory once; later passes over it read the first-level cache.
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/numbers.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

template <class T>
FORESHARD_INLINE float sum_of(const T* x, std::int64_t n) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += number(x[i]);
  return sum;
}

template <class T>
FORESHARD_INLINE float sum_squares_about(const T* x, float mean, std::int64_t n) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += (number(x[i]) - mean) * (number(x[i]) - mean);
  return sum;
}

template <class T>
struct BackwardRow {
  const T* x;
  const T* dy;
  const T* residual;  ///< or null
  T* dx;
  float mean;
  float root;
};

/// Writes dx of a row whose means of g and g∘x̂ are known.
template <class T>
FORESHARD_INLINE void write_dx(const BackwardRow<T>& row, const T* weight, float mean_g, float mean_g_x,
                               std::int64_t n) {
  const T* x = row.x;
  const T* dy = row.dy;
  const T* residual = row.residual;
  T* dx = row.dx;
  const float mean = row.mean;
  const float root = row.root;
  if (residual == nullptr) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      put(dx[i],
          root * (number(dy[i]) * number(weight[i]) - mean_g - (number(x[i]) - mean) * root * mean_g_x));
    }
  } else {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      put(dx[i], number(residual[i]) + root * (number(dy[i]) * number(weight[i]) - mean_g -
                                               (number(x[i]) - mean) * root * mean_g_x));
    }
  }
}

template <class T>
FORESHARD_INLINE void backward_row(const BackwardRow<T>& row, bool centred, const T* weight, std::int64_t n,
                                   float* d_weight, float* d_bias) {
  const T* x = row.x;
  const T* dy = row.dy;
  const float mean = row.mean;
  const float root = row.root;
  float sum_g = 0.0F;
  float sum_g_x = 0.0F;
#pragma omp simd reduction(+ : sum_g, sum_g_x)
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = number(dy[i]) * number(weight[i]);
    sum_g += g;
    sum_g_x += g * (number(x[i]) - mean);
  }
  if (d_weight != nullptr) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) d_weight[i] += number(dy[i]) * ((number(x[i]) - mean) * root);
  }
  if (d_bias != nullptr) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) d_bias[i] += number(dy[i]);
  }
  const float mean_of = 1.0F / static_cast<float>(n);
  write_dx(row, weight, centred ? sum_g * mean_of : 0.0F, sum_g_x * root * mean_of, n);
}

template <class T>
FORESHARD_INLINE void forward_as(const NormCall& call, Range rows) {
  const bool centred = call.kind == NormKind::layernorm;
  const std::int64_t n = call.width;
  const T* bias = as<const T>(call.bias);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const T* weight = as<const T>(call.weight) + call.weights_of(row);
    const T* x = as<const T>(call.x) + call.place_of(row);
    T* y = as<T>(call.y) + call.place_of(row);
    float* stats = as<float>(call.stats) + row * (centred ? 2 : 1);
    const float mean = centred ? sum_of(x, n) / static_cast<float>(n) : 0.0F;
    const float variance = sum_squares_about(x, mean, n) / static_cast<float>(n);
    const float root = 1.0F / __builtin_sqrtf(variance + static_cast<float>(call.epsilon));
    if (centred) {
      stats[0] = mean;
      stats[1] = root;
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i)
        put(y[i], (number(x[i]) - mean) * root * number(weight[i]) + number(bias[i]));
    } else {
      stats[0] = root;
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) put(y[i], number(x[i]) * root * number(weight[i]));
    }
  }
}

template <class T>
FORESHARD_INLINE void backward_as(const NormCall& call, Range rows, float* d_weight, float* d_bias) {
  const bool centred = call.kind == NormKind::layernorm;
  const std::int64_t n = call.width;
  const T* residual = as<const T>(call.residual);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const float* stats = as<const float>(call.stats) + row * (centred ? 2 : 1);
    const std::int64_t at = call.place_of(row);
    const std::int64_t weights = call.weights_of(row);
    const BackwardRow<T> here{
        as<const T>(call.x) + at, as<const T>(call.dy) + at, residual == nullptr ? nullptr : residual + at,
        as<T>(call.dx) + at,      centred ? stats[0] : 0.0F, centred ? stats[1] : stats[0]};
    backward_row(here, centred, as<const T>(call.weight) + weights, n,
                 d_weight == nullptr ? nullptr : d_weight + weights, centred ? d_bias : nullptr);
  }
}

}  // namespace

void norm_forward(const NormCall& call, Range rows) {
  is_bf16(call.x) ? forward_as<BFloat16>(call, rows) : forward_as<float>(call, rows);
}

void norm_backward(const NormCall& call, Range rows, float* d_weight, float* d_bias) {
  is_bf16(call.x) ? backward_as<BFloat16>(call, rows, d_weight, d_bias)
                  : backward_as<float>(call, rows, d_weight, d_bias);
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
