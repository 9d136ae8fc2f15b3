#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "runtime/device/attention_mask.hpp"
#include "runtime/kernels/cpu/vector/kernel_set.hpp"

// The tiles in which the scores of attention are computed.

namespace foreshard::cpu {

// Two tiles of 64 KiB (backward has P and dP) stay in the second-level cache, together with their q, k and v.
// A tile has fewer queries than keys, so that little is computed above the diagonal.
inline constexpr std::int64_t kQueries = 64;
inline constexpr std::int64_t kKeys = 256;
inline constexpr std::int64_t kTile = kQueries * kKeys;

/// The keys of one tile of scores.
struct TileKeys {
  std::int64_t first = 0;
  std::int64_t count = 0;
  bool is_first = false;        ///< no earlier tile has the same queries
  const Range* seen = nullptr;  ///< of each query, relative to `first`; may be empty
};

/// Calls work(TileKeys) for the tiles of `rows` consecutive queries, the first of which is at `query`, in the order of
/// the keys. Keys that none of these queries sees are skipped, except between the first and the last one that is seen.
/// @pre 1 ≤ rows ≤ kQueries
template <class Work>
void for_each_tile(const AttentionMask& mask, const TokenRows::Place& query, std::int64_t rows,
                   std::int64_t length, const Work& work) {
  std::array<PositionRange, kQueries> keys;
  for (std::int64_t i = 0; i < rows; ++i) {
    keys[static_cast<std::size_t>(i)] = mask.keys_of({query.sequence, query.position + i}, length);
  }
  const std::int64_t end = keys[static_cast<std::size_t>(rows - 1)].end;
  std::array<Range, kQueries> seen;
  for (std::int64_t first = keys.front().first; first < end; first += kKeys) {
    const std::int64_t count = std::min(kKeys, end - first);
    for (std::size_t i = 0; i < static_cast<std::size_t>(rows); ++i) {
      const std::int64_t begin = std::clamp<std::int64_t>(keys[i].first - first, 0, count);
      seen[i] = {begin, std::clamp(keys[i].end - first, begin, count)};
    }
    work(TileKeys{first, count, first == keys.front().first, seen.data()});
  }
}

}  // namespace foreshard::cpu
