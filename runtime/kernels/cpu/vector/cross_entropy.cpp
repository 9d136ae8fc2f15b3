// logits, d_logits (T,columns): this rank's columns, from first_column on   labels, max (T)   sums (T,2)
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/numbers.hpp"
#include "runtime/kernels/cpu/vector/vector_math.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

/// The number of columns on this rank that are not padding; the padding comes last.
FORESHARD_INLINE std::int64_t real_columns(const CrossEntropyCall& call) {
  const std::int64_t before_vocab = call.vocab - call.first_column;
  return before_vocab < 0 ? 0 : smaller_of(before_vocab, call.columns);
}

/// Four independent maxima, so that an instruction need not wait for the result of the one before.
template <class T>
FORESHARD_INLINE float max_of(const T* x, std::int64_t n) {
  const std::int64_t quarter = n / 4;
  float m0 = -__builtin_inff();
  float m1 = m0;
  float m2 = m0;
  float m3 = m0;
#pragma omp simd reduction(max : m0, m1, m2, m3)
  for (std::int64_t i = 0; i < quarter; ++i) {
    m0 = larger(m0, number(x[i]));
    m1 = larger(m1, number(x[i + quarter]));
    m2 = larger(m2, number(x[i + 2 * quarter]));
    m3 = larger(m3, number(x[i + 3 * quarter]));
  }
  for (std::int64_t i = 4 * quarter; i < n; ++i) m0 = larger(m0, number(x[i]));
  return larger(larger(m0, m1), larger(m2, m3));
}

template <class T>
FORESHARD_INLINE void row_max_of(const CrossEntropyCall& call, Range tokens) {
  const std::int64_t n = real_columns(call);
  for (std::int64_t t = tokens.begin; t < tokens.end; ++t) {
    as<float>(call.max)[t] = max_of(as<const T>(call.logits) + t * call.columns, n);
  }
}

template <class T>
FORESHARD_INLINE void exp_sum_of(const CrossEntropyCall& call, Range tokens) {
  const std::int64_t n = real_columns(call);
  for (std::int64_t t = tokens.begin; t < tokens.end; ++t) {
    const T* logits = as<const T>(call.logits) + t * call.columns;
    const float max = as<const float>(call.max)[t];
    const std::int64_t label = as<const std::int32_t>(call.labels)[t] - call.first_column;
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t v = 0; v < n; ++v) sum += exp(number(logits[v]) - max);
    float* sums = as<float>(call.sums) + 2 * t;
    sums[0] = sum;
    sums[1] = label >= 0 && label < n ? number(logits[label]) - max : 0.0F;
  }
}

template <class T, class D>
FORESHARD_INLINE void loss_backward_of(const CrossEntropyCall& call, Range tokens) {
  const std::int64_t n = real_columns(call);
  const float scale = static_cast<float>(call.scale);
  for (std::int64_t t = tokens.begin; t < tokens.end; ++t) {
    const T* logits = as<const T>(call.logits) + t * call.columns;
    D* d_logits = as<D>(call.d_logits) + t * call.columns;
    const float max = as<const float>(call.max)[t];
    const float factor = scale / as<const float>(call.sums)[2 * t];
    const std::int64_t label = as<const std::int32_t>(call.labels)[t] - call.first_column;
    const bool is_here = label >= 0 && label < n;
    const float of_label =
        is_here ? number(logits[label]) : 0.0F;  // read first: d_logits may be the same buffer
#pragma omp simd
    for (std::int64_t v = 0; v < n; ++v) put(d_logits[v], exp(number(logits[v]) - max) * factor);
    if (is_here) put(d_logits[label], exp(of_label - max) * factor - scale);
    for (std::int64_t v = n; v < call.columns; ++v) put(d_logits[v], 0.0F);
  }
}

}  // namespace

void row_max(const CrossEntropyCall& call, Range tokens) {
  is_bf16(call.logits) ? row_max_of<BFloat16>(call, tokens) : row_max_of<float>(call, tokens);
}

void exp_sum(const CrossEntropyCall& call, Range tokens) {
  is_bf16(call.logits) ? exp_sum_of<BFloat16>(call, tokens) : exp_sum_of<float>(call, tokens);
}

void loss_backward(const CrossEntropyCall& call, Range tokens) {
  if (is_bf16(call.logits)) {
    is_bf16(call.d_logits) ? loss_backward_of<BFloat16, BFloat16>(call, tokens)
                           : loss_backward_of<BFloat16, float>(call, tokens);
  } else {
    is_bf16(call.d_logits) ? loss_backward_of<float, BFloat16>(call, tokens)
                           : loss_backward_of<float, float>(call, tokens);
  }
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
