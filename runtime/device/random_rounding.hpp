#pragma once

#include <cstdint>

#include "planner/units/mixed_bits.hpp"

namespace foreshard {

/// How bf16 weights without masters are rounded at random: up with the probability with which the number lies
/// nearer to the upper neighbour, so that they are right on average. The bits that decide depend on stream, step
/// and a weight's place in the model's tensor, so all shardings of a model round alike.
/// Element i of a call is element first + i of rows of `columns`; their first row begins at element `model_first`
/// of the model's tensor, whose rows have `model_columns`.
struct RandomRounding {
  bool on = false;
  std::uint64_t stream = 0;
  std::int64_t first = 0;
  std::int64_t columns = 1;
  std::int64_t model_first = 0;
  std::int64_t model_columns = 1;

  /// The seed of one step's random bits.
  [[nodiscard]] constexpr std::uint64_t seed(std::int64_t step) const {
    return mixed_bits(stream ^ mixed_bits(static_cast<std::uint64_t>(step)));
  }
  /// The place of element i in the model's tensor.
  [[nodiscard, gnu::always_inline]] constexpr std::int64_t place(std::int64_t i) const {
    const std::int64_t at = first + i;
    return model_first + at / columns * model_columns + at % columns;
  }
};

/// 16 random bits, which are added to the 16 bits of a float that bf16 cuts off.
[[gnu::always_inline]] constexpr std::uint32_t rounding_bits(std::uint64_t seed, std::int64_t place) {
  return static_cast<std::uint32_t>(mixed_bits(seed ^ static_cast<std::uint64_t>(place)) >> 48U);
}

}  // namespace foreshard
