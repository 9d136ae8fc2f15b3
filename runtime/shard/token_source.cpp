#include "runtime/shard/token_source.hpp"

#include "runtime/shard/random.hpp"

namespace foreshard {

TokenSource::TokenSource(const JobSpec& job, const Coordinates& at)
    : vocab_(job.model.vocab),
      sequence_(job.training.sequence_length),
      batch_(job.training.micro_batch),
      first_micro_batch_(at.dp * job.micro_batches()) {}

void TokenSource::fill(MicroBatch micro_batch, std::int64_t ahead, std::span<double> out) const {
  static constexpr std::uint64_t kStream = stream_of("tokens");
  const std::int64_t first_sequence = (first_micro_batch_ + micro_batch.value()) * batch_;
  // A sequence has one token more than it has positions: the last label.
  const std::int64_t stride = sequence_ + 1;
  std::size_t at = 0;
  for (std::int64_t sequence = first_sequence; sequence < first_sequence + batch_; ++sequence) {
    for (std::int64_t position = ahead; position < sequence_ + ahead; ++position) {
      const auto place = static_cast<std::uint64_t>(sequence * stride + position);
      out[at++] = static_cast<double>(mix(kStream ^ mix(place)) % static_cast<std::uint64_t>(vocab_));
    }
  }
}

}  // namespace foreshard
