#pragma once

#include <cstdint>
#include <string_view>

#include "planner/units/mixed_bits.hpp"

namespace foreshard {

// A counter-based generator: the number at a place depends on the place alone, so every rank can make its
// own share of a tensor, and every sharding makes the same model.

/// A stream for each name, such as a tensor's.
constexpr std::uint64_t stream_of(std::string_view name) {
  std::uint64_t hash = 0;
  for (const char letter : name) hash = mixed_bits(hash ^ static_cast<unsigned char>(letter));
  return hash;
}

/// Uniform in [−1, 1), 53 bits.
constexpr double symmetric_uniform(std::uint64_t stream, std::uint64_t counter) {
  constexpr double kUnit = 1.0 / 9007199254740992.0;  // 2^−53
  return 2.0 * kUnit * static_cast<double>(mixed_bits(stream ^ mixed_bits(counter)) >> 11) - 1.0;
}

}  // namespace foreshard
