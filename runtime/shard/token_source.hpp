#pragma once

#include <cstdint>
#include <span>

#include "planner/program/step_program.hpp"
#include "planner/topology/device_mesh.hpp"
#include "planner/units/strong_index.hpp"
#include "runtime/device/token_rows.hpp"
#include "runtime/shard/token_text.hpp"

namespace foreshard {

/// The tokens and labels that a step reads. They depend only on sequence and position in the whole batch, so
/// all shardings see the same data. The label of a token is the next token.
///  Without a text, the batch is the same in every step: token ids drawn uniformly from the vocabulary. With
/// a text, each sequence of each step begins at a uniformly drawn place in the text.
class TokenSource {
 public:
  TokenSource(const StepProgram& program, const Coordinates& at);

  /// From now on, reads tokens from this text, which must outlive this object.
  /// @pre it has more characters than a sequence has tokens and the model modules of multi-token prediction, and no more different ones than the vocabulary
  void read(const TokenText& text) { text_ = &text; }
  /// Sets the step of the next batches: 1, 2, …
  void begin_step(std::int64_t step) { step_ = step; }

  /// The token ids of the micro-batch: T = b·s of them, one sequence after the other. With context
  /// parallelism, only those of the rank's share, in the order of TokenRows.
  void ids(MicroBatch micro_batch, std::span<double> out) const { fill(micro_batch, 0, out); }
  /// The labels of the micro-batch: the token after each of ids().
  void labels(MicroBatch micro_batch, std::span<double> out) const { fill(micro_batch, 1, out); }
  /// The tokens `ahead` positions after those of ids().
  /// @pre ahead is at most 1 + the modules of multi-token prediction
  void fill(MicroBatch micro_batch, std::int64_t ahead, std::span<double> out) const;

 private:
  [[nodiscard]] double token(std::int64_t sequence, std::int64_t position) const;

  std::int64_t vocab_;
  std::int64_t batch_;              ///< sequences of a step
  TokenRows rows_;                  ///< of a micro-batch
  std::int64_t most_ahead_;         ///< positions after a sequence whose tokens are read as labels
  std::int64_t first_micro_batch_;  ///< of this data-parallel rank, counted over all of them
  std::int64_t step_ = 1;
  const TokenText* text_ = nullptr;
};

}  // namespace foreshard
