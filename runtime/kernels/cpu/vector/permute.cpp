// token_rows (tokens,width)   expert_rows, d_expert_rows (tokens·k,width)   routes (tokens,2k)
// p = places[t·k + j]
//   dispatch   R[p] = X[t]         backward   dX[t] = Σ_j dR[p]
//   combine    Y[t] = Σ_j w·R[p]   backward   dR[p] = w·dY[t]   dw = R[p]·dY[t]
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/numbers.hpp"
#include "runtime/kernels/cpu/vector/vector_math.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

/// The token's row = [the token's row +] Σ_j w_j · row of choice j; w_j = 1 without weights. Rounded once.
template <class T>
FORESHARD_INLINE void sum_choices(const PermuteCall& call, T* by_token, const std::int64_t* places,
                                  const float* weights) {
  constexpr std::int64_t kAtOnce = 512;
  float sums[kAtOnce];
  for (std::int64_t at = 0; at < call.width; at += kAtOnce) {
    const std::int64_t n = smaller_of(kAtOnce, call.width - at);
#pragma omp simd
    for (std::int64_t c = 0; c < n; ++c) sums[c] = call.accumulate ? number(by_token[at + c]) : 0.0F;
    for (std::int64_t i = 0; i < call.per_token; ++i) {
      const T* row = as<const T>(call.expert_rows) + places[i] * call.width + at;
      const float weight = weights == nullptr ? 1.0F : weights[i];
#pragma omp simd
      for (std::int64_t c = 0; c < n; ++c) sums[c] += weight * number(row[c]);
    }
#pragma omp simd
    for (std::int64_t c = 0; c < n; ++c) put(by_token[at + c], sums[c]);
  }
}

template <class T>
FORESHARD_INLINE void copy_to_choices(const PermuteCall& call, const T* by_token,
                                      const std::int64_t* places) {
  for (std::int64_t i = 0; i < call.per_token; ++i) {
    T* row = as<T>(call.expert_rows) + places[i] * call.width;
#pragma omp simd
    for (std::int64_t c = 0; c < call.width; ++c) row[c] = by_token[c];
  }
}

template <class T>
FORESHARD_INLINE void weigh_choices(const PermuteCall& call, const T* by_token, const std::int64_t* places,
                                    const float* weights, float* d_routes) {
  for (std::int64_t i = 0; i < call.per_token; ++i) {
    const T* row = as<const T>(call.expert_rows) + places[i] * call.width;
    T* d_row = as<T>(call.d_expert_rows) + places[i] * call.width;
    const float weight = weights[i];
    float product = 0.0F;
#pragma omp simd reduction(+ : product)
    for (std::int64_t c = 0; c < call.width; ++c) {
      const float gradient = number(by_token[c]);
      product += number(row[c]) * gradient;
      put(d_row[c], weight * gradient);
    }
    d_routes[i] = 0.0F;
    d_routes[call.per_token + i] = product;
  }
}

template <class T>
FORESHARD_INLINE void permute_as(const PermuteCall& call, Range tokens) {
  const std::int64_t k = call.per_token;
  for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
    T* by_token = as<T>(call.token_rows) + token * call.width;
    const float* weights = as<const float>(call.routes) + token * 2 * k + k;
    const std::int64_t* places = call.places->data() + (call.first_token + token) * k;
    if (call.weighted != call.backward) {
      sum_choices(call, by_token, places, call.weighted ? weights : nullptr);
    } else if (!call.weighted) {
      copy_to_choices(call, by_token, places);
    } else {
      weigh_choices(call, by_token, places, weights, as<float>(call.d_routes) + token * 2 * k);
    }
  }
}

}  // namespace

void permute(const PermuteCall& call, Range tokens) {
  is_bf16(call.token_rows) ? permute_as<BFloat16>(call, tokens) : permute_as<float>(call, tokens);
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
