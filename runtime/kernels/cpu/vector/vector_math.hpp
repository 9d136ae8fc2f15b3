#pragma once

#include <cstdint>

#include "runtime/kernels/cpu/vector/loops.hpp"

// Elementary functions without branches or calls, so that loops over them can be vectorised. The stated
// accuracy is what tests/runtime/kernels/vector_math_test.cpp measures over the whole range.

namespace foreshard::cpu::FORESHARD_KERNEL_SET {

FORESHARD_INLINE float larger(float a, float b) { return a > b ? a : b; }
FORESHARD_INLINE std::int64_t smaller_of(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

/// eˣ to 1 ulp, for x up to 88. 0 below −87.33, where the result would be subnormal.
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2; eʳ by its Taylor polynomial of degree 7, whose rest is below 5.2e-9.
FORESHARD_INLINE float exp(float x) {
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;    // ln 2 with few digits, so that n·kLn2High is exact
  constexpr float kLn2Low = -2.12194440e-4F;  // ln 2 − kLn2High
  // 1.5·2²³: adding it rounds to an integer, which is then in the low bits of the mantissa.
  constexpr float kRounder = 12582912.0F;
  constexpr float kSmallest = -87.3365447F;            // ln of the smallest normal number
  const float inside = kSmallest > x ? kSmallest : x;  // in this order a NaN stays a NaN
  const float rounded = inside * kLog2E + kRounder;
  const float n = rounded - kRounder;
  const float r = (inside - n * kLn2High) - n * kLn2Low;
  float sum = 1.0F / 5040.0F;
  sum = sum * r + 1.0F / 720.0F;
  sum = sum * r + 1.0F / 120.0F;
  sum = sum * r + 1.0F / 24.0F;
  sum = sum * r + 1.0F / 6.0F;
  sum = sum * r + 0.5F;
  sum = sum * r + 1.0F;
  sum = sum * r + 1.0F;
  // Times 2ⁿ: add n to the exponent field, bits 23 to 30. The higher bits of `rounded` are shifted out.
  const std::uint32_t exponent = __builtin_bit_cast(std::uint32_t, rounded) << 23;
  const float result = __builtin_bit_cast(float, __builtin_bit_cast(std::uint32_t, sum) + exponent);
  return x < kSmallest ? 0.0F : result;
}

/// σ(x) = 1/(1 + e⁻ˣ) = eˣ/(1 + eˣ); the form with the negative exponent is used, which neither overflows nor
/// cancels.
FORESHARD_INLINE float sigmoid(float x) {
  const float e = exp(x < 0.0F ? x : -x);
  return (x < 0.0F ? e : 1.0F) / (1.0F + e);
}

/// Φ(x) = (1 + erf(x/√2))/2. Absolute error up to 1.5e-7; relative error up to 4e-6 down to x = −5.6; 0 below
/// −4·√2. With t = |x|/√2: for t < 1, erf is t times a polynomial in t²; else erfc is exp of a polynomial.
/// The coefficients interpolate erf(t)/t and ln erfc(t) at Chebyshev points, with errors of 1.3e-9 and
/// 4.8e-10.
FORESHARD_INLINE float normal_cumulative(float x) {
  constexpr float kSqrtHalf = 0.707106781F;
  const float t = (x < 0.0F ? -x : x) * kSqrtHalf;
  const float s = t * t;
  float near = 7.875875049e-05F;
  near = near * s - 8.016864283e-04F;
  near = near * s + 5.189087423e-03F;
  near = near * s - 2.685421201e-02F;
  near = near * s + 1.128359472e-01F;
  near = near * s - 3.761262667e-01F;
  near = near * s + 1.128379166e+00F;
  float far = 1.637151419e-06F;
  far = far * t - 4.605804278e-05F;
  far = far * t + 5.968056265e-04F;
  far = far * t - 4.759596297e-03F;
  far = far * t + 2.642113602e-02F;
  far = far * t - 1.100800830e-01F;
  far = far * t - 6.318260515e-01F;
  far = far * t - 1.130233435e+00F;
  far = far * t + 3.201380530e-04F;
  const float tail = t < 4.0F ? 0.5F * exp(far) : 0.0F;  // 1 − 7.7e-9 is 1 in fp32
  const float outside = x < 0.0F ? tail : 1.0F - tail;
  return t < 1.0F ? 0.5F + 0.5F * kSqrtHalf * x * near : outside;
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
