// x (tokens, row_width), d columns of each head turned in place   turns (sequence, d): cosines, then sines
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {

void rope(const RopeCall& call, const float* turns, Range tokens) {
  const std::int64_t half = call.head_dim / 2;
  const float sign = call.inverse ? -1.0F : 1.0F;
  for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
    const float* cosine = turns + call.position_of(token) * call.head_dim;
    const float* sine = cosine + half;
    float* row = as<float>(call.x) + token * call.row_width + call.first_column;
    for (std::int64_t head = 0; head < call.heads; ++head) {
      float* first = row + head * call.stride_of_heads();
      float* second = first + half;
#pragma omp simd
      for (std::int64_t i = 0; i < half; ++i) {
        const float a = first[i];
        const float b = second[i];
        const float s = sign * sine[i];
        first[i] = a * cosine[i] - b * s;
        second[i] = b * cosine[i] + a * s;
      }
    }
  }
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
