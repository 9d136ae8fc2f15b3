// x (tokens, row_width): d columns of each head are rotated in place
// turns (sequence, d): cosines, then sines
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/numbers.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

template <class T>
FORESHARD_INLINE void rope_as(const RopeCall& call, const float* turns, Range tokens) {
  const std::int64_t half = call.head_dim / 2;
  const float sign = call.inverse ? -1.0F : 1.0F;
  for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
    const float* cosine = turns + call.position_of(token) * call.head_dim;
    const float* sine = cosine + half;
    T* row = as<T>(call.x) + token * call.row_width + call.first_column;
    for (std::int64_t head = 0; head < call.heads; ++head) {
      T* first = row + head * call.stride_of_heads();
      T* second = first + half;
#pragma omp simd
      for (std::int64_t i = 0; i < half; ++i) {
        const float a = number(first[i]);
        const float b = number(second[i]);
        const float s = sign * sine[i];
        put(first[i], a * cosine[i] - b * s);
        put(second[i], b * cosine[i] + a * s);
      }
    }
  }
}

}  // namespace

void rope(const RopeCall& call, const float* turns, Range tokens) {
  is_bf16(call.x) ? rope_as<BFloat16>(call, turns, tokens) : rope_as<float>(call, turns, tokens);
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
