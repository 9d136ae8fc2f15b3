#pragma once

#include <cstdint>

namespace foreshard {

/// The order of tokens in the rows of a matrix: whole sequences, or the shares of them that context-parallel
/// ranks hold. Rows are ordered by share, then by sequence, then by position. A sequence is cut into 2·n
/// equal chunks for n ranks; the share of rank r is the chunks r and 2·n − 1 − r, so that under a causal mask
/// all ranks have the same work.
/// Example: n = 2, one sequence of 8 positions, chunks {0,1} {2,3} {4,5} {6,7}. Rank 0 holds positions 0 1 6
/// 7, rank 1 holds 2 3 4 5. The gathered rows of both shares are 0 1 6 7 2 3 4 5.
/// Source of the order: Brandon et al. 2023 (arXiv:2311.09431) and Llama 3 (arXiv:2407.21783), section 3.3.2.
/// @pre 2·shares divides the sequence if shares > 1
struct TokenRows {
  std::int64_t batch = 1;        ///< sequences
  std::int64_t sequence = 0;     ///< positions of a whole sequence
  std::int64_t shares = 1;       ///< ranks over which a sequence is split
  std::int64_t first_share = 0;  ///< the first share in this matrix
  std::int64_t held = 1;         ///< number of shares in this matrix

  struct Place {
    std::int64_t sequence = 0;
    std::int64_t position = 0;
  };

  /// Positions of one share.
  [[nodiscard]] constexpr std::int64_t share_length() const { return sequence / shares; }
  /// Positions of one sequence in this matrix.
  [[nodiscard]] constexpr std::int64_t length() const { return held * share_length(); }
  [[nodiscard]] constexpr std::int64_t rows() const { return batch * length(); }
  /// Length of a chunk: this many consecutive positions are in consecutive rows.
  [[nodiscard]] constexpr std::int64_t chunk() const {
    return shares > 1 ? sequence / (2 * shares) : sequence;
  }

  [[nodiscard]] constexpr Place place_of(std::int64_t row) const {
    const std::int64_t share = first_share + row / (batch * share_length());
    const std::int64_t in_share = row % (batch * share_length());
    const std::int64_t index = in_share % share_length();
    const bool is_first = shares == 1 || index < chunk();
    const std::int64_t begin = is_first ? share : 2 * shares - 2 - share;
    return {in_share / share_length(), begin * chunk() + index};
  }
  /// @pre the position is in this matrix
  [[nodiscard]] constexpr std::int64_t row_of(Place at) const {
    const std::int64_t number = at.position / chunk();
    const bool is_first = number < shares;
    const std::int64_t share = is_first ? number : 2 * shares - 1 - number;
    const std::int64_t index = at.position % chunk() + (is_first ? 0 : chunk());
    return ((share - first_share) * batch + at.sequence) * share_length() + index;
  }
};

}  // namespace foreshard
