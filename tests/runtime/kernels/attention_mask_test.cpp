#include "runtime/device/attention_mask.hpp"

#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

/// The rule of AttentionMask, pair by pair.
bool sees(const AttentionMask& mask, std::int64_t query, std::int64_t key) {
  if (mask.causal && key > query) return false;
  if (mask.window > 0) {
    const std::int64_t before = mask.causal ? mask.window - 1 : (mask.window - 1) / 2;
    if (key < query - before || key >= query - before + mask.window) return false;
  }
  return mask.chunk == 0 || query / mask.chunk == key / mask.chunk;
}

TEST_CASE("the ranges of keys and of queries are those of the pairs that see each other, and grow") {
  constexpr std::int64_t kLength = 23;
  const bool causal = GENERATE(true, false);
  for (const std::int64_t window : {0, 1, 2, 5, 6, 40}) {
    for (const std::int64_t chunk : {0, 1, 7, 40}) {
      const AttentionMask mask{.causal = causal, .window = window, .chunk = chunk};
      CAPTURE(causal, window, chunk);
      for (std::int64_t a = 0; a < kLength; ++a) {
        const PositionRange keys = mask.keys_of({0, a}, kLength);
        const PositionRange queries = mask.queries_of({0, a}, kLength);
        CHECK(keys.contains(a));
        for (std::int64_t b = 0; b < kLength; ++b) {
          CHECK(keys.contains(b) == sees(mask, a, b));
          CHECK(queries.contains(b) == sees(mask, b, a));
        }
        if (a == 0) continue;
        CHECK(mask.keys_of({0, a - 1}, kLength).first <= keys.first);
        CHECK(mask.keys_of({0, a - 1}, kLength).end <= keys.end);
        CHECK(mask.queries_of({0, a - 1}, kLength).first <= queries.first);
        CHECK(mask.queries_of({0, a - 1}, kLength).end <= queries.end);
      }
    }
  }
}

}  // namespace
}  // namespace foreshard::test
