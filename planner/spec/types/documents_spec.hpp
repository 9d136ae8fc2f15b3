#pragma once

#include <cstdint>
#include <vector>

namespace foreshard {

/// The documents of which the sequences are made. A query sees only keys of its own document.
struct DocumentsSpec {
  /// Lengths in tokens, all equally likely, or in their order. A single one is the length of every document.
  std::vector<double> lengths;
  /// True if documents fill sequences from end to end; one longer than a sequence goes on in the next. False
  /// if every sequence holds one document, cut or padded to the sequence's length.
  bool packed = true;
  /// True if each document's length is drawn. False if the documents follow one another as they are listed, again and
  /// again, from the start of every sequence on, which cuts the last one: all sequences are then alike.
  bool drawn = true;
  friend bool operator==(const DocumentsSpec&, const DocumentsSpec&) = default;
};

/// Equally likely lengths that stand for a log-normal distribution: its quantiles at (i + ½) / n, scaled so
/// that their mean is `mean`. `sigma` is the standard deviation of the logarithm of the length; 0: all alike.
/// Lengths of web documents and of instructions are usually described like this.
std::vector<double> log_normal_lengths(double mean, double sigma);

/// Scores that attention computes for packed documents.
struct DocumentScores {
  /// Keys per query as Attention::key counts them: under a causal mask, twice what a query sees on average.
  double keys = 0.0;
  /// Scores of the busiest of the data-parallel ranks over the mean of all.
  double imbalance = 1.0;
};

/// How documents are cut up for one rank of a step.
struct DocumentPacking {
  std::int64_t sequence = 0;  ///< tokens of a sequence
  std::int64_t window = 0;    ///< keys that a query sees at most, itself included; 0: all
  bool causal = true;
  double tokens_per_rank = 0.0;  ///< of one step
  std::int64_t ranks = 1;        ///< that wait for each other: the data-parallel degree
};

/// A document of d tokens has d²/2 scores under a causal mask, so packed documents have Σd²/Σd keys per query,
/// counted as twice what a query sees. With a window w < d it has d·w − w²/2. Documents longer than a sequence
/// are cut into sequences and a rest.
/// The scores of one rank are a sum over the documents that fill its tokens. Of independent documents its
/// relative standard deviation is that of the ratio estimator, σ = √(Var(Y − r·X)/n)/E[Y], with scores Y and
/// tokens X of a document, r = E[Y]/E[X] and n documents (Cochran, Sampling Techniques, chapter 6). The largest
/// of R normal variables is expected Φ⁻¹((R − 0.375)/(R + 0.25)) deviations above the mean (Blom 1958).
/// Documents that are not drawn are counted piece by piece; all ranks then have the same scores.
/// @pre the documents are packed
DocumentScores document_scores(const DocumentsSpec& documents, const DocumentPacking& packing);

/// What a sequence holds of documents that follow one another from its start on, as listed, again and again: each with
/// how often it comes. The last one may be cut.
struct DocumentPieces {
  std::int64_t tokens = 0;
  std::int64_t count = 0;
};
/// @pre lengths are positive
std::vector<DocumentPieces> pieces_of(const std::vector<std::int64_t>& lengths, std::int64_t sequence);

/// The share of the tokens of unpacked sequences that are padding.
double padding_share(const DocumentsSpec& documents, std::int64_t sequence);

}  // namespace foreshard
