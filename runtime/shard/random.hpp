#pragma once

#include <cstdint>
#include <string_view>

#include "planner/units/mixed_bits.hpp"

namespace foreshard {

// A counter-based random generator: a number depends only on its stream and its counter, the place in a
// tensor. So every rank can make its own share of a tensor, and all shardings make the same model.

/// The stream of random numbers for a name, such as the name of a tensor.
constexpr std::uint64_t stream_of(std::string_view name) {
  std::uint64_t hash = 0;
  for (const char letter : name) hash = mixed_bits(hash ^ static_cast<unsigned char>(letter));
  return hash;
}

/// A uniform random number in [−1, 1) with 53 bits.
constexpr double symmetric_uniform(std::uint64_t stream, std::uint64_t counter) {
  constexpr double kUnit = 1.0 / 9007199254740992.0;  // 2^−53
  return 2.0 * kUnit * static_cast<double>(mixed_bits(stream ^ mixed_bits(counter)) >> 11) - 1.0;
}

}  // namespace foreshard
