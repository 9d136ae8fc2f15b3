#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace foreshard {

/// Elements that share a scale in an 8-bit moment.
inline constexpr std::int64_t kElementsPerScale = 256;

/// The numbers that the 256 codes of an 8-bit moment stand for, in ascending order, as multiples of the block's
/// scale, its largest magnitude; and the number halfway between each of them and the next.
/// For each power 10⁻⁶ … 10⁰ they are the middles of equal parts of 0.1 … 1: for power number i, from 0, 2ⁱ parts
/// and their negatives in a first moment, 2ⁱ⁺¹ parts in a second moment, which is never negative; then 0 and 1.
/// Source: bitsandbytes, functional.py, create_dynamic_map; Dettmers et al. 2022, arXiv:2110.02861.
struct MomentCodes {
  std::array<double, 256> numbers{};
  std::array<double, 255> halfway{};
};

constexpr MomentCodes moment_codes(bool has_negative) {
  constexpr std::array kPowers{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0};
  MomentCodes codes;
  std::size_t count = 0;
  for (std::size_t i = 0; i < kPowers.size(); ++i) {
    const std::int64_t parts = std::int64_t{has_negative ? 1 : 2} << i;
    for (std::int64_t part = 0; part < parts; ++part) {
      const double middle = 0.1 + 0.9 * (static_cast<double>(part) + 0.5) / static_cast<double>(parts);
      codes.numbers[count++] = kPowers[i] * middle;
      if (has_negative) codes.numbers[count++] = -kPowers[i] * middle;
    }
  }
  codes.numbers[count++] = 0.0;
  codes.numbers[count++] = 1.0;
  std::sort(codes.numbers.begin(), codes.numbers.end());
  for (std::size_t i = 0; i < codes.halfway.size(); ++i)
    codes.halfway[i] = (codes.numbers[i] + codes.numbers[i + 1]) / 2.0;
  return codes;
}

}  // namespace foreshard
