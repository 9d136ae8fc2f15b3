// logits, d_logits (T,columns): columns first_column … of the whole   labels, max (T)   sums (T,2)
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/vector_math.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

/// Columns here that are not padding: those come first.
FORESHARD_INLINE std::int64_t real_columns(const CrossEntropyCall& call) {
  const std::int64_t before_vocab = call.vocab - call.first_column;
  return before_vocab < 0 ? 0 : smaller_of(before_vocab, call.columns);
}

/// In four strands, so that the next maximum need not wait for the last.
FORESHARD_INLINE float max_of(const float* x, std::int64_t n) {
  const std::int64_t quarter = n / 4;
  float m0 = -__builtin_inff();
  float m1 = m0;
  float m2 = m0;
  float m3 = m0;
#pragma omp simd reduction(max : m0, m1, m2, m3)
  for (std::int64_t i = 0; i < quarter; ++i) {
    m0 = larger(m0, x[i]);
    m1 = larger(m1, x[i + quarter]);
    m2 = larger(m2, x[i + 2 * quarter]);
    m3 = larger(m3, x[i + 3 * quarter]);
  }
  for (std::int64_t i = 4 * quarter; i < n; ++i) m0 = larger(m0, x[i]);
  return larger(larger(m0, m1), larger(m2, m3));
}

}  // namespace

void row_max(const CrossEntropyCall& call, Range tokens) {
  const std::int64_t n = real_columns(call);
  for (std::int64_t t = tokens.begin; t < tokens.end; ++t) {
    as<float>(call.max)[t] = max_of(as<const float>(call.logits) + t * call.columns, n);
  }
}

void exp_sum(const CrossEntropyCall& call, Range tokens) {
  const std::int64_t n = real_columns(call);
  for (std::int64_t t = tokens.begin; t < tokens.end; ++t) {
    const float* logits = as<const float>(call.logits) + t * call.columns;
    const float max = as<const float>(call.max)[t];
    const std::int64_t label = as<const std::int32_t>(call.labels)[t] - call.first_column;
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t v = 0; v < n; ++v) sum += exp(logits[v] - max);
    float* sums = as<float>(call.sums) + 2 * t;
    sums[0] = sum;
    sums[1] = label >= 0 && label < n ? logits[label] - max : 0.0F;
  }
}

void loss_backward(const CrossEntropyCall& call, Range tokens) {
  const std::int64_t n = real_columns(call);
  const float scale = static_cast<float>(call.scale);
  for (std::int64_t t = tokens.begin; t < tokens.end; ++t) {
    const float* logits = as<const float>(call.logits) + t * call.columns;
    float* d_logits = as<float>(call.d_logits) + t * call.columns;
    const float max = as<const float>(call.max)[t];
    const float factor = scale / as<const float>(call.sums)[2 * t];
    const std::int64_t label = as<const std::int32_t>(call.labels)[t] - call.first_column;
#pragma omp simd
    for (std::int64_t v = 0; v < n; ++v) d_logits[v] = exp(logits[v] - max) * factor;
    if (label >= 0 && label < n) d_logits[label] -= scale;
    for (std::int64_t v = n; v < call.columns; ++v) d_logits[v] = 0.0F;
  }
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
