// Sums of vectors, of columns, and of squares.
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/vector_math.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {

void add_to(float* y, const float* x, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += x[i];
}

void add_columns(float* y, const float* x, std::int64_t rows, std::int64_t stride, Range columns) {
  const std::int64_t begin = columns.begin;
  const std::int64_t end = columns.end;
  std::int64_t row = 0;
  // Four rows at a time: y is loaded and stored a quarter as often, and rounded less.
  for (; row + 4 <= rows; row += 4) {
    const float* x0 = x + row * stride;
    const float* x1 = x0 + stride;
    const float* x2 = x1 + stride;
    const float* x3 = x2 + stride;
#pragma omp simd
    for (std::int64_t j = begin; j < end; ++j) y[j] += (x0[j] + x1[j]) + (x2[j] + x3[j]);
  }
  for (; row < rows; ++row) add_to(y + begin, x + row * stride + begin, end - begin);
}

/// Squares are summed in fp32 over blocks that are short enough not to lose digits, the blocks in fp64.
double sum_squares(const float* x, std::int64_t n) {
  constexpr std::int64_t kQuarter = 1024;
  double total = 0.0;
  for (; n >= 4 * kQuarter; n -= 4 * kQuarter, x += 4 * kQuarter) {
    float s0 = 0.0F;
    float s1 = 0.0F;
    float s2 = 0.0F;
    float s3 = 0.0F;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
    for (std::int64_t i = 0; i < kQuarter; ++i) {
      s0 += x[i] * x[i];
      s1 += x[i + kQuarter] * x[i + kQuarter];
      s2 += x[i + 2 * kQuarter] * x[i + 2 * kQuarter];
      s3 += x[i + 3 * kQuarter] * x[i + 3 * kQuarter];
    }
    total += static_cast<double>((s0 + s1) + (s2 + s3));
  }
  float rest = 0.0F;
#pragma omp simd reduction(+ : rest)
  for (std::int64_t i = 0; i < n; ++i) rest += x[i] * x[i];
  return total + static_cast<double>(rest);
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
