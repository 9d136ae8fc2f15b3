// Copies and sums of vectors, sums of columns and of squares, in fp32 and bf16.
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/numbers.hpp"
#include "runtime/kernels/cpu/vector/vector_math.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

template <class To, class From>
FORESHARD_INLINE void copy_numbers(To* y, const From* x, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) put(y[i], number(x[i]));
}

template <class To, class From>
FORESHARD_INLINE void scale_numbers(To* y, const From* x, float factor, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) put(y[i], factor * number(x[i]));
}

template <class To, class From>
FORESHARD_INLINE void add_numbers(To* y, const From* x, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) put(y[i], number(y[i]) + number(x[i]));
}

/// Adds n columns of all rows to `sums`.
template <class T>
FORESHARD_INLINE void add_rows(float* sums, const T* x, std::int64_t rows, std::int64_t stride,
                               std::int64_t n) {
  std::int64_t row = 0;
  // Four rows at a time: a quarter of the loads and stores of the sums, and fewer roundings.
  for (; row + 4 <= rows; row += 4) {
    const T* x0 = x + row * stride;
    const T* x1 = x0 + stride;
    const T* x2 = x1 + stride;
    const T* x3 = x2 + stride;
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j)
      sums[j] += (number(x0[j]) + number(x1[j])) + (number(x2[j]) + number(x3[j]));
  }
  for (; row < rows; ++row) add_numbers(sums, x + row * stride, n);
}

/// For any dtypes: sums in fp32 on the stack, so that y is rounded once.
template <class To, class From>
FORESHARD_INLINE void add_columns_of(To* y, const From* x, std::int64_t rows, std::int64_t stride,
                                     Range columns) {
  constexpr std::int64_t kAtOnce = 1024;
  float sums[kAtOnce];
  for (std::int64_t at = columns.begin; at < columns.end; at += kAtOnce) {
    const std::int64_t n = smaller_of(kAtOnce, columns.end - at);
    copy_numbers(sums, y + at, n);
    add_rows(sums, x + at, rows, stride, n);
    copy_numbers(y + at, sums, n);
  }
}

/// Blocks are summed in fp32, short enough to keep the digits; the blocks' sums are added in fp64.
template <class T>
FORESHARD_INLINE double sum_squares_of(const T* x, std::int64_t n) {
  constexpr std::int64_t kQuarter = 1024;
  double total = 0.0;
  for (; n >= 4 * kQuarter; n -= 4 * kQuarter, x += 4 * kQuarter) {
    float s0 = 0.0F;
    float s1 = 0.0F;
    float s2 = 0.0F;
    float s3 = 0.0F;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
    for (std::int64_t i = 0; i < kQuarter; ++i) {
      s0 += number(x[i]) * number(x[i]);
      s1 += number(x[i + kQuarter]) * number(x[i + kQuarter]);
      s2 += number(x[i + 2 * kQuarter]) * number(x[i + 2 * kQuarter]);
      s3 += number(x[i + 3 * kQuarter]) * number(x[i + 3 * kQuarter]);
    }
    total += static_cast<double>((s0 + s1) + (s2 + s3));
  }
  float rest = 0.0F;
#pragma omp simd reduction(+ : rest)
  for (std::int64_t i = 0; i < n; ++i) rest += number(x[i]) * number(x[i]);
  return total + static_cast<double>(rest);
}

}  // namespace

void copy(const Buffer& y, const Buffer& x) {
  const std::int64_t n = x.elements;
  if (is_bf16(y)) {
    is_bf16(x) ? copy_numbers(as<BFloat16>(y), as<const BFloat16>(x), n)
               : copy_numbers(as<BFloat16>(y), as<const float>(x), n);
  } else {
    is_bf16(x) ? copy_numbers(as<float>(y), as<const BFloat16>(x), n)
               : copy_numbers(as<float>(y), as<const float>(x), n);
  }
}

void scale(const Buffer& y, const Buffer& x, float factor) {
  const std::int64_t n = x.elements;
  if (is_bf16(y)) {
    is_bf16(x) ? scale_numbers(as<BFloat16>(y), as<const BFloat16>(x), factor, n)
               : scale_numbers(as<BFloat16>(y), as<const float>(x), factor, n);
  } else {
    is_bf16(x) ? scale_numbers(as<float>(y), as<const BFloat16>(x), factor, n)
               : scale_numbers(as<float>(y), as<const float>(x), factor, n);
  }
}

void add_to(const Buffer& y, const Buffer& x) {
  const std::int64_t n = x.elements;
  if (is_bf16(y)) {
    is_bf16(x) ? add_numbers(as<BFloat16>(y), as<const BFloat16>(x), n)
               : add_numbers(as<BFloat16>(y), as<const float>(x), n);
  } else {
    is_bf16(x) ? add_numbers(as<float>(y), as<const BFloat16>(x), n)
               : add_numbers(as<float>(y), as<const float>(x), n);
  }
}

void add_columns(const Buffer& y, const Buffer& x, std::int64_t stride, Range columns) {
  const std::int64_t rows = x.elements / stride;
  if (is_bf16(y)) {
    is_bf16(x) ? add_columns_of(as<BFloat16>(y), as<const BFloat16>(x), rows, stride, columns)
               : add_columns_of(as<BFloat16>(y), as<const float>(x), rows, stride, columns);
  } else {
    is_bf16(x) ? add_columns_of(as<float>(y), as<const BFloat16>(x), rows, stride, columns)
               : add_columns_of(as<float>(y), as<const float>(x), rows, stride, columns);
  }
}

double sum_squares(const Buffer& x) {
  return is_bf16(x) ? sum_squares_of(as<const BFloat16>(x), x.elements)
                    : sum_squares_of(as<const float>(x), x.elements);
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
