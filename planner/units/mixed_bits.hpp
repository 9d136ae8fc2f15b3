#pragma once

#include <cstdint>

namespace foreshard {

/// Hashes a counter to 64 well-mixed bits. Counter-based generators of random numbers are built on it.
/// Source: Steele et al. 2014, SplitMix64's finaliser. Always inlined: see runtime/kernels/cpu/vector/CMakeLists.txt.
[[gnu::always_inline]] constexpr std::uint64_t mixed_bits(std::uint64_t bits) {
  bits += 0x9E3779B97F4A7C15ULL;
  bits = (bits ^ (bits >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  bits = (bits ^ (bits >> 27U)) * 0x94D049BB133111EBULL;
  return bits ^ (bits >> 31U);
}

}  // namespace foreshard
