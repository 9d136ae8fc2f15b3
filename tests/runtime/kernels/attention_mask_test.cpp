#include "runtime/device/attention_mask.hpp"

#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

/// The number of the document in which a position is, by walking from one to the next.
std::int64_t document_of(const DocumentEnds& documents, std::int64_t position) {
  std::int64_t number = 0;
  for (std::int64_t end = 0;; ++number) {
    const std::int64_t which = number % documents.count;
    end += documents.ends[which] - (which == 0 ? 0 : documents.ends[which - 1]);
    if (position < end) return number;
  }
}

/// The rule of AttentionMask, pair by pair.
bool sees(const AttentionMask& mask, std::int64_t query, std::int64_t key) {
  if (mask.causal && key > query) return false;
  if (mask.window > 0) {
    const std::int64_t before = mask.causal ? mask.window - 1 : (mask.window - 1) / 2;
    if (key < query - before || key >= query - before + mask.window) return false;
  }
  if (mask.documents.count > 0 && document_of(mask.documents, query) != document_of(mask.documents, key))
    return false;
  return mask.chunk == 0 || query / mask.chunk == key / mask.chunk;
}

TEST_CASE("the ranges of keys and of queries are those of the pairs that see each other, and grow") {
  constexpr std::int64_t kLength = 23;
  const bool causal = GENERATE(true, false);
  // None; one length that does not divide the 23 positions; three that come twice and are cut.
  const DocumentEnds documents =
      GENERATE(DocumentEnds{}, DocumentEnds{1, {5}}, DocumentEnds{3, {3, 4, 10}}, DocumentEnds{2, {20, 60}});
  for (const std::int64_t window : {0, 1, 2, 5, 6, 40}) {
    for (const std::int64_t chunk : {0, 1, 7, 40}) {
      AttentionMask mask{.causal = causal, .window = window, .chunk = chunk};
      mask.documents = documents;
      CAPTURE(causal, window, chunk, documents.count);
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
