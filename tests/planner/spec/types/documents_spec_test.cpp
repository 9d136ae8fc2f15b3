#include "planner/spec/types/documents_spec.hpp"

#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

DocumentPacking packing(std::int64_t sequence, std::int64_t window = 0) {
  return {.sequence = sequence, .window = window, .causal = true, .tokens_per_rank = 0.0, .ranks = 1};
}

}  // namespace

TEST_CASE("documents of one length: a query sees keys of its own document") {
  CHECK(document_scores({.lengths = {1024}}, packing(8192)).keys == 1024.0);
  // As long as the sequence: no documents.
  CHECK(document_scores({.lengths = {8192}}, packing(8192)).keys == 8192.0);
  // Longer ones are cut: 8192 and a rest of 1808 of 10,000 tokens.
  CHECK(document_scores({.lengths = {10'000}}, packing(8192)).keys ==
        Approx((8192.0 * 8192.0 + 1808.0 * 1808.0) / 10'000.0));
}

TEST_CASE("documents of several lengths: long ones have most of the scores") {
  // Equally many of 1024 and of 3072: (1024² + 3072²) / (1024 + 3072) = 2560.
  CHECK(document_scores({.lengths = {1024, 3072}}, packing(8192)).keys == Approx(2560.0));
}

TEST_CASE("a window shorter than a document hides keys; a longer one hides none") {
  // 2·1024·256 − 256² of 1024 tokens: 448.
  CHECK(document_scores({.lengths = {1024}}, packing(8192, 256)).keys == Approx(448.0));
  CHECK(document_scores({.lengths = {1024}}, packing(8192, 1024)).keys == 1024.0);
  CHECK(document_scores({.lengths = {1024}}, packing(8192, 2048)).keys == 1024.0);
}

TEST_CASE("documents of one length are balanced; of several, the busiest of many ranks has more") {
  DocumentPacking many = packing(8192);
  many.tokens_per_rank = 65'536;
  many.ranks = 64;
  CHECK(document_scores({.lengths = {1024}}, many).imbalance == 1.0);
  // 2048 tokens on average, so 32 documents on a rank; scores of 2560 per token, so that
  // Y − r·X = 1024² − 2560·1024 = −1,572,864 or 3072² − 2560·3072 = 1,572,864; E[Y] = 2560·2048.
  const double deviation = 1'572'864.0 / std::sqrt(32.0) / (2560.0 * 2048.0);
  // Φ⁻¹((64 − 0.375)/64.25) = Φ⁻¹(0.990272) = 2.3369 (tables of the normal distribution).
  CHECK(document_scores({.lengths = {1024, 3072}}, many).imbalance ==
        Approx(1.0 + 2.3369 * deviation).epsilon(1e-4));
  many.ranks = 1;
  CHECK(document_scores({.lengths = {1024, 3072}}, many).imbalance == 1.0);
}

TEST_CASE("documents as listed: what a sequence holds of them") {
  const auto pieces = [](std::vector<std::int64_t> lengths, std::int64_t sequence) {
    std::vector<std::pair<std::int64_t, std::int64_t>> all;
    for (const DocumentPieces& piece : pieces_of(lengths, sequence))
      all.emplace_back(piece.tokens, piece.count);
    return all;
  };
  using Pieces = std::vector<std::pair<std::int64_t, std::int64_t>>;
  CHECK(pieces({3, 1}, 8) == Pieces{{3, 2}, {1, 2}});
  CHECK(pieces({3, 1}, 10) == Pieces{{3, 2}, {2, 1}, {1, 2}});  // the third 3 is cut
  CHECK(pieces({3, 1}, 12 - 1) == Pieces{{3, 2}, {3, 1}, {1, 2}});
  CHECK(pieces({5, 100}, 8) == Pieces{{5, 1}, {3, 1}});
  CHECK(pieces({100}, 8) == Pieces{{8, 1}});
}

TEST_CASE("documents as listed: keys per query, with and without a window, and no imbalance") {
  const DocumentsSpec listed{.lengths = {1024, 3072}, .packed = true, .drawn = false};
  DocumentPacking of = packing(8192);
  of.ranks = 64;
  of.tokens_per_rank = 65'536;
  CHECK(document_scores(listed, of).keys == Approx((1024.0 * 1024.0 + 3072.0 * 3072.0) / 4096.0));
  CHECK(document_scores(listed, of).imbalance == 1.0);
  // Two of 3072 and a rest of 2048: not what such lengths have on average.
  CHECK(document_scores({.lengths = {3072}, .packed = true, .drawn = false}, packing(8192)).keys ==
        Approx((2 * 3072.0 * 3072.0 + 2048.0 * 2048.0) / 8192.0));
  // 2·d·w − w² of d = 1024 and 3072 with w = 256.
  CHECK(document_scores(listed, packing(8192, 256)).keys ==
        Approx((2 * 1024.0 * 256 - 256 * 256 + 2 * 3072.0 * 256 - 256 * 256) / 4096.0));
}

TEST_CASE("log-normal lengths have the mean that was asked for, and the spread") {
  CHECK(log_normal_lengths(1000.0, 0.0) == std::vector{1000.0});
  const std::vector<double> lengths = log_normal_lengths(1000.0, 0.5);
  const auto n = static_cast<double>(lengths.size());
  CHECK(std::accumulate(lengths.begin(), lengths.end(), 0.0) / n == Approx(1000.0));
  // E[d²]/E[d] = mean·exp(σ²); quantiles cut off the far end of the tail.
  CHECK(document_scores({.lengths = lengths}, packing(1'000'000)).keys ==
        Approx(1000.0 * std::exp(0.25)).epsilon(0.01));
}

TEST_CASE("unpacked documents are padded") {
  CHECK(padding_share({.lengths = {1024}, .packed = false}, 4096) == 0.75);
  CHECK(padding_share({.lengths = {1024, 8192}, .packed = false}, 4096) ==
        Approx(1.0 - (1024 + 4096) / 2.0 / 4096));
}
