#pragma once

#include <cstdint>

#include "runtime/device/token_rows.hpp"

namespace foreshard {

/// The positions first … end − 1 of a sequence; none if end ≤ first.
struct PositionRange {
  std::int64_t first = 0;
  std::int64_t end = 0;

  [[nodiscard]] constexpr bool contains(std::int64_t position) const {
    return first <= position && position < end;
  }
  friend constexpr bool operator==(const PositionRange&, const PositionRange&) = default;
};

constexpr PositionRange common(const PositionRange& a, const PositionRange& b) {
  return {a.first > b.first ? a.first : b.first, a.end < b.end ? a.end : b.end};
}

/// Documents that follow one another from the start of every sequence on, again and again; the end of the sequence may
/// cut one. They are part of the mask itself, so that a kernel on a GPU has them as an argument.
struct DocumentEnds {
  static constexpr std::int32_t kMost = 32;
  std::int32_t count = 0;         ///< 0: a sequence is one document
  std::int64_t ends[kMost] = {};  ///< of each document, from the start of the first one

  /// Example: lengths 3 and 1. The documents are 0 … 2, 3, 4 … 6, 7 and so on: position 5 is in 4 … 6.
  [[nodiscard]] constexpr PositionRange of(std::int64_t position) const {
    const std::int64_t before = position / ends[count - 1] * ends[count - 1];
    std::int32_t document = 0;
    while (ends[document] <= position - before) ++document;
    return {before + (document == 0 ? 0 : ends[document - 1]), before + ends[document]};
  }
};

/// Which keys of its sequence a query sees. All kernels of attention ask keys_of() and queries_of() and nothing
/// else. They rely on this:
///   - A query sees one range of keys, which contains its own position; a key is seen by one range of queries.
///   - Both ends of keys_of() grow with the query's position, or stay the same; likewise those of queries_of(). So
///     the queries 40 … 47 together see no keys before those of 40 and none after those of 47.
/// A further restriction of this form is one more range in both functions.
///
/// Example: 10 positions, causal, window 3: query 5 sees the keys 3 4 5, and key 5 is seen by the queries 5 6 7. With
/// chunks of 4 as well, query 5 sees the keys 4 5, because its chunk is 4 … 7.
struct AttentionMask {
  bool causal = true;
  /// Keys that a query sees, itself included; 0: all. Without a causal mask the query is in the middle of its window,
  /// or before the middle if the window is even.
  std::int64_t window = 0;
  /// Positions of a chunk, beyond which queries do not see; 0: there are no chunks.
  std::int64_t chunk = 0;
  /// Packed documents: a query sees no keys of others.
  DocumentEnds documents{};

  /// @param length  positions of a whole sequence
  [[nodiscard]] constexpr PositionRange keys_of(const TokenRows::Place& query, std::int64_t length) const {
    PositionRange seen{0, causal ? query.position + 1 : length};
    if (window > 0) seen = common(seen, {query.position - before(), query.position + after() + 1});
    if (chunk > 0) seen = common(seen, chunk_of(query.position));
    if (documents.count > 0) seen = common(seen, documents.of(query.position));
    return seen;
  }
  /// The queries that see a key.
  [[nodiscard]] constexpr PositionRange queries_of(const TokenRows::Place& key, std::int64_t length) const {
    PositionRange seeing{causal ? key.position : 0, length};
    if (window > 0) seeing = common(seeing, {key.position - after(), key.position + before() + 1});
    if (chunk > 0) seeing = common(seeing, chunk_of(key.position));
    if (documents.count > 0) seeing = common(seeing, documents.of(key.position));
    return seeing;
  }
  /// True if queries see all keys, or all up to their own position.
  [[nodiscard]] constexpr bool is_plain() const { return window == 0 && chunk == 0 && documents.count == 0; }

 private:
  /// Positions of the window before the query, and after it.
  [[nodiscard]] constexpr std::int64_t before() const { return causal ? window - 1 : (window - 1) / 2; }
  [[nodiscard]] constexpr std::int64_t after() const { return causal ? 0 : window / 2; }
  [[nodiscard]] constexpr PositionRange chunk_of(std::int64_t position) const {
    const std::int64_t first = position / chunk * chunk;
    return {first, first + chunk};
  }
};

}  // namespace foreshard
