#include "runtime/shard/token_source.hpp"

#include "runtime/shard/mtp_modules.hpp"
#include "runtime/shard/random.hpp"

namespace foreshard {

TokenSource::TokenSource(const StepProgram& program, const Coordinates& at)
    : vocab_(known_vocabulary(program)),
      batch_(sequences_per_step(program)),
      rows_{.batch = program.sequences,
            .sequence = program.sequence_length,
            .shares = program.group(GroupKind::cp).size,
            .first_share = at.cp},
      most_ahead_(1 + MtpModules(program).count()),
      first_micro_batch_(at.dp * program.micro_batches) {}

void TokenSource::fill(MicroBatch micro_batch, std::int64_t ahead, std::span<double> out) const {
  const std::int64_t first_sequence = (first_micro_batch_ + micro_batch.value()) * rows_.batch;
  for (std::int64_t row = 0; row < rows_.rows(); ++row) {
    const TokenRows::Place at = rows_.place_of(row);
    out[static_cast<std::size_t>(row)] = token(first_sequence + at.sequence, at.position + ahead);
  }
}

double TokenSource::token(std::int64_t sequence, std::int64_t position) const {
  static constexpr std::uint64_t kStream = stream_of("tokens");
  const auto drawn = [](std::int64_t place) {
    return mixed_bits(kStream ^ mixed_bits(static_cast<std::uint64_t>(place)));
  };
  if (text_ != nullptr) {
    const auto starts = static_cast<std::uint64_t>(text_->tokens.size()) -
                        static_cast<std::uint64_t>(rows_.sequence + most_ahead_ - 1);
    const std::uint64_t start = drawn((step_ - 1) * batch_ + sequence) % starts;
    return static_cast<double>(text_->tokens[start + static_cast<std::uint64_t>(position)]);
  }
  // A sequence needs more tokens than it has positions, for the labels of the last ones.
  const std::int64_t stride = rows_.sequence + most_ahead_;
  return static_cast<double>(drawn(sequence * stride + position) % static_cast<std::uint64_t>(vocab_));
}

}  // namespace foreshard
