// scores, d_probabilities (rows, columns): queries by keys, rows `stride` apart   max, sum, lse (rows)   out
// (rows,d)
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/vector_math.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

/// Keys that a row of the tile sees: its first ones.
FORESHARD_INLINE std::int64_t visible(const ScoreTile& tile, std::int64_t row) {
  if (!tile.causal) return tile.columns;
  const std::int64_t seen = tile.visible_in_first + row;
  return seen < 0 ? 0 : smaller_of(seen, tile.columns);
}

FORESHARD_INLINE void clear(float* row, std::int64_t begin, std::int64_t end) {
  for (std::int64_t j = begin; j < end; ++j) row[j] = 0.0F;
}

}  // namespace

void softmax_tile(const ScoreTile& tile, const SoftmaxState& state) {
  for (std::int64_t i = 0; i < tile.rows; ++i) {
    const std::int64_t n = visible(tile, i);
    float* row = tile.scores + i * tile.stride;
    const float old_max = state.max[i];
    float max = old_max;
#pragma omp simd reduction(max : max)
    for (std::int64_t j = 0; j < n; ++j) max = larger(max, row[j]);
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t j = 0; j < n; ++j) {
      row[j] = exp(row[j] - max);
      sum += row[j];
    }
    clear(row, n, tile.columns);
    // What was summed before belongs to the old maximum. The first tile finds −∞ there and nothing to scale.
    if (max > old_max && state.sum[i] > 0.0F) {
      const float shrink = exp(old_max - max);
      state.sum[i] *= shrink;
      float* out = state.out + i * state.out_stride;
#pragma omp simd
      for (std::int64_t j = 0; j < state.d; ++j) out[j] *= shrink;
    }
    state.max[i] = max;
    state.sum[i] += sum;
  }
}

void softmax_end(const SoftmaxState& state, std::int64_t rows, float* lse, std::int64_t lse_stride) {
  for (std::int64_t i = 0; i < rows; ++i) {
    const float factor = 1.0F / state.sum[i];
    float* out = state.out + i * state.out_stride;
#pragma omp simd
    for (std::int64_t j = 0; j < state.d; ++j) out[j] *= factor;
    lse[i * lse_stride] = state.max[i] + __builtin_logf(state.sum[i]);
  }
}

void probabilities(const ScoreTile& tile, const float* lse) {
  for (std::int64_t i = 0; i < tile.rows; ++i) {
    const std::int64_t n = visible(tile, i);
    float* row = tile.scores + i * tile.stride;
    const float log_sum = lse[i];
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j) row[j] = exp(row[j] - log_sum);
    clear(row, n, tile.columns);
  }
}

void score_gradients(const ScoreTile& tile, float* d_probabilities, const float* out_product, float scale) {
  for (std::int64_t i = 0; i < tile.rows; ++i) {
    const float* p = tile.scores + i * tile.stride;
    float* ds = d_probabilities + i * tile.stride;
    const float product = out_product[i];
#pragma omp simd
    for (std::int64_t j = 0; j < tile.columns; ++j) ds[j] = p[j] * (ds[j] - product) * scale;
  }
}

void row_products(const float* a, const float* b, std::int64_t rows, std::int64_t stride, std::int64_t d,
                  float* products) {
  for (std::int64_t i = 0; i < rows; ++i) {
    const float* x = a + i * stride;
    const float* y = b + i * stride;
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t j = 0; j < d; ++j) sum += x[j] * y[j];
    products[i] = sum;
  }
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
