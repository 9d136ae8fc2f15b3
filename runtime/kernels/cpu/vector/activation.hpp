#pragma once

#include "runtime/kernels/cpu/vector/vector_math.hpp"

// Activations: value f(x) and derivative f′(x).

namespace foreshard::cpu::FORESHARD_KERNEL_SET {

struct ValueAndSlope {
  float value;
  float slope;
};

/// x·Φ(x), with Φ′(x) = e^(−x²/2)/√(2π)
struct Gelu {
  [[gnu::always_inline]] static inline ValueAndSlope at(float x) {
    constexpr float kInverseSqrtTwoPi = 0.398942280F;
    const float cumulative = normal_cumulative(x);
    return {x * cumulative, cumulative + x * (kInverseSqrtTwoPi * exp(-0.5F * x * x))};
  }
};

struct Relu {
  [[gnu::always_inline]] static inline ValueAndSlope at(float x) {
    return {larger(x, 0.0F), x > 0.0F ? 1.0F : 0.0F};
  }
};

struct SquaredRelu {
  [[gnu::always_inline]] static inline ValueAndSlope at(float x) {
    const float positive = larger(x, 0.0F);
    return {positive * positive, 2.0F * positive};
  }
};

struct Silu {
  [[gnu::always_inline]] static inline ValueAndSlope at(float x) {
    const float s = sigmoid(x);
    return {x * s, s * (1.0F + x * (1.0F - s))};
  }
};

struct Sigmoid {
  [[gnu::always_inline]] static inline ValueAndSlope at(float x) {
    const float s = sigmoid(x);
    return {s, s * (1.0F - s)};
  }
};

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
