#pragma once

#include <cstdint>
#include <string_view>

namespace foreshard {

// A counter-based generator: the number at a place depends on the place alone, so every rank can make its
// own share of a tensor, and every sharding makes the same model.

/// Well-mixed 64 bits of a counter. Source: Steele et al. 2014, SplitMix64's finaliser.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// A stream for each name, such as a tensor's.
constexpr std::uint64_t stream_of(std::string_view name) {
  std::uint64_t hash = 0;
  for (const char letter : name) hash = mix(hash ^ static_cast<unsigned char>(letter));
  return hash;
}

/// Uniform in [−1, 1), 53 bits.
constexpr double symmetric_uniform(std::uint64_t stream, std::uint64_t counter) {
  constexpr double kUnit = 1.0 / 9007199254740992.0;  // 2^−53
  return 2.0 * kUnit * static_cast<double>(mix(stream ^ mix(counter)) >> 11) - 1.0;
}

}  // namespace foreshard
