#include "planner/spec/types/documents_spec.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "planner/spec/types/normal_quantile.hpp"

namespace foreshard {

namespace {

/// Quantiles that stand for a distribution. More change the keys per query by less than a hundredth.
constexpr int kQuantiles = 400;

/// Twice the scores of one piece of a document under a causal mask, or its scores without a mask.
double piece_scores(double tokens, const DocumentPacking& packing) {
  const auto window = static_cast<double>(packing.window);
  if (packing.window == 0 || window >= tokens) return tokens * tokens;
  return packing.causal ? 2.0 * tokens * window - window * window : tokens * window;
}

double document_scores_of(double tokens, const DocumentPacking& packing) {
  const auto sequence = static_cast<double>(packing.sequence);
  const double whole = std::floor(tokens / sequence);
  return whole * piece_scores(sequence, packing) + piece_scores(tokens - whole * sequence, packing);
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::vector<double> log_normal_lengths(double mean, double sigma) {
  if (sigma == 0.0) return {mean};
  std::vector<double> lengths;
  for (int i = 0; i < kQuantiles; ++i)
    lengths.push_back(std::exp(sigma * normal_quantile_of((i + 0.5) / kQuantiles)));
  const double scale = mean / mean_of(lengths);
  for (double& length : lengths) length = std::max(1.0, length * scale);
  return lengths;
}

namespace {

/// Of documents that are not drawn.
DocumentScores listed_scores(const DocumentsSpec& documents, const DocumentPacking& packing) {
  const std::vector<std::int64_t> lengths(documents.lengths.begin(), documents.lengths.end());
  double scores = 0.0;
  for (const DocumentPieces& pieces : pieces_of(lengths, packing.sequence))
    scores += static_cast<double>(pieces.count) * piece_scores(static_cast<double>(pieces.tokens), packing);
  return {.keys = scores / static_cast<double>(packing.sequence)};
}

}  // namespace

std::vector<DocumentPieces> pieces_of(const std::vector<std::int64_t>& lengths, std::int64_t sequence) {
  const std::int64_t period = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  std::vector<DocumentPieces> pieces;
  const std::int64_t whole = sequence / period;
  std::int64_t rest = sequence % period;
  for (const std::int64_t length : lengths) {
    if (whole > 0) pieces.push_back({.tokens = length, .count = whole});
    if (rest > 0) pieces.push_back({.tokens = std::min(length, rest), .count = 1});
    rest -= std::min(length, rest);
  }
  return pieces;
}

DocumentScores document_scores(const DocumentsSpec& documents, const DocumentPacking& packing) {
  if (!documents.drawn) return listed_scores(documents, packing);
  std::vector<double> scores;
  for (const double length : documents.lengths) scores.push_back(document_scores_of(length, packing));
  const double tokens = mean_of(documents.lengths);
  const double mean_scores = mean_of(scores);
  const double ratio = mean_scores / tokens;
  DocumentScores result{.keys = ratio};
  if (packing.ranks <= 1) return result;
  double variance = 0.0;
  for (std::size_t i = 0; i < scores.size(); ++i)
    variance += std::pow(scores[i] - ratio * documents.lengths[i], 2.0) / static_cast<double>(scores.size());
  const double count = std::max(1.0, packing.tokens_per_rank / tokens);
  const double deviation = std::sqrt(variance / count) / mean_scores;
  result.imbalance = 1.0 + deviation * largest_of_normals(static_cast<double>(packing.ranks));
  return result;
}

double padding_share(const DocumentsSpec& documents, std::int64_t sequence) {
  std::vector<double> used;
  for (const double length : documents.lengths)
    used.push_back(std::min(length, static_cast<double>(sequence)));
  return 1.0 - mean_of(used) / static_cast<double>(sequence);
}

}  // namespace foreshard
