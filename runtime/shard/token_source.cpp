#include "runtime/shard/token_source.hpp"

#include "runtime/shard/random.hpp"

namespace foreshard {

TokenSource::TokenSource(const JobSpec& job, const Coordinates& at)
    : vocab_(job.model.vocab),
      rows_{.batch = job.training.micro_batch,
            .sequence = job.training.sequence_length,
            .shares = job.parallelism.cp,
            .first_share = at.cp},
      first_micro_batch_(at.dp * job.micro_batches()) {}

void TokenSource::fill(MicroBatch micro_batch, std::int64_t ahead, std::span<double> out) const {
  static constexpr std::uint64_t kStream = stream_of("tokens");
  const std::int64_t first_sequence = (first_micro_batch_ + micro_batch.value()) * rows_.batch;
  // A sequence has one token more than it has positions: the last label.
  const std::int64_t stride = rows_.sequence + 1;
  for (std::int64_t row = 0; row < rows_.rows(); ++row) {
    const TokenRows::Place at = rows_.place_of(row);
    const auto place =
        static_cast<std::uint64_t>((first_sequence + at.sequence) * stride + at.position + ahead);
    out[static_cast<std::size_t>(row)] =
        static_cast<double>(mixed_bits(kStream ^ mixed_bits(place)) % static_cast<std::uint64_t>(vocab_));
  }
}

}  // namespace foreshard
