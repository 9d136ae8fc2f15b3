#pragma once

#include <cstdint>
#include <span>

#include "planner/program/step_program.hpp"
#include "planner/topology/device_mesh.hpp"
#include "planner/units/strong_index.hpp"
#include "runtime/device/token_rows.hpp"
#include "runtime/shard/token_text.hpp"

namespace foreshard {

/// What a step reads, by sequence and position in the whole batch, so that all shardings see the same. A
/// label is the token that follows.
///
/// Without a text the batch is the same in every step: token numbers drawn evenly from the vocabulary. With a
/// text, each sequence of each step begins at a place of the text that is drawn evenly.
class TokenSource {
 public:
  TokenSource(const StepProgram& program, const Coordinates& at);

  /// From now on reads this text, which must live as long.
  /// @pre it has more characters than a sequence has tokens, and no more different ones than the vocabulary
  void read(const TokenText& text) { text_ = &text; }
  /// Which step the next batches are of: 1, 2, …
  void begin_step(std::int64_t step) { step_ = step; }

  /// The micro-batch's token numbers: sequence after sequence, T = b·s of them; under context parallelism
  /// those of the rank's share, as TokenRows orders them.
  void ids(MicroBatch micro_batch, std::span<double> out) const { fill(micro_batch, 0, out); }
  /// The numbers that follow them.
  void labels(MicroBatch micro_batch, std::span<double> out) const { fill(micro_batch, 1, out); }

 private:
  void fill(MicroBatch micro_batch, std::int64_t ahead, std::span<double> out) const;
  [[nodiscard]] double token(std::int64_t sequence, std::int64_t position) const;

  std::int64_t vocab_;
  std::int64_t batch_;              ///< sequences of a step
  TokenRows rows_;                  ///< of a micro-batch
  std::int64_t first_micro_batch_;  ///< of this data-parallel rank, counted over all of them
  std::int64_t step_ = 1;
  const TokenText* text_ = nullptr;
};

}  // namespace foreshard
