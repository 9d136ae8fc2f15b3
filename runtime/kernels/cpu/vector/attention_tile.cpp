// scores, d_probabilities (rows, columns): queries by keys, rows `stride` elements apart
// max, sum, lse (rows)   out (rows,d)
//
// Online softmax, example: a row has the scores {1, 3} in the first tile and {2, 5} in the second, for values
// v0 … v3.
//   first tile    max 3   sum = e⁻² + 1 = 1.135           out = e⁻²·v0 + v1
//   second tile   max 5   factor e³⁻⁵ = 0.135 for sum and out, because they were relative to the old maximum
//                 sum = 0.135·1.135 + e⁻³ + 1 = 1.203      out = 0.135·out + e⁻³·v2 + v3
//   end           out /= 1.203   lse = 5 + ln 1.203 = 5.185 = ln(e¹ + e³ + e² + e⁵)
// softmax_tile updates max, sum and the old out; the caller adds the tile's product with the values to out.
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/vector_math.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

/// Sets the columns that a row of the tile does not attend to, to zero.
FORESHARD_INLINE void clear_unseen(float* row, Range seen, std::int64_t columns) {
  for (std::int64_t j = 0; j < seen.begin; ++j) row[j] = 0.0F;
  for (std::int64_t j = seen.end; j < columns; ++j) row[j] = 0.0F;
}

}  // namespace

void softmax_tile(const ScoreTile& tile, const SoftmaxState& state) {
  for (std::int64_t i = 0; i < tile.rows; ++i) {
    const Range seen = tile.seen[i];
    float* row = tile.scores + i * tile.stride;
    const float old_max = state.max[i];
    float max = old_max;
#pragma omp simd reduction(max : max)
    for (std::int64_t j = seen.begin; j < seen.end; ++j) max = larger(max, row[j]);
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t j = seen.begin; j < seen.end; ++j) {
      row[j] = exp(row[j] - max);
      sum += row[j];
    }
    clear_unseen(row, seen, tile.columns);
    // The old sum and out are relative to the old maximum. Before the first key it is −∞ or a sink's logit, and out
    // has no numbers yet.
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
    const Range seen = tile.seen[i];
    float* row = tile.scores + i * tile.stride;
    const float log_sum = lse[i];
#pragma omp simd
    for (std::int64_t j = seen.begin; j < seen.end; ++j) row[j] = exp(row[j] - log_sum);
    clear_unseen(row, seen, tile.columns);
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
