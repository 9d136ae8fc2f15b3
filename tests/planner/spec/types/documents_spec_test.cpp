#include "planner/spec/types/documents_spec.hpp"

#include <cmath>
#include <numeric>

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
