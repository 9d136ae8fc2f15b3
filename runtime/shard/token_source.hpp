#pragma once

#include <cstdint>
#include <span>

#include "planner/spec/job_spec.hpp"
#include "planner/topology/device_mesh.hpp"
#include "planner/units/strong_index.hpp"
#include "runtime/device/token_rows.hpp"

namespace foreshard {

/// The fixed batch on which every step runs: token numbers drawn evenly from the vocabulary, by sequence and
/// position, so that all shardings see the same text. A label is the token that follows.
class TokenSource {
 public:
  TokenSource(const JobSpec& job, const Coordinates& at);

  /// The micro-batch's token numbers: sequence after sequence, T = b·s of them; under context parallelism
  /// those of the rank's share, as TokenRows orders them.
  void ids(MicroBatch micro_batch, std::span<double> out) const { fill(micro_batch, 0, out); }
  /// The numbers that follow them.
  void labels(MicroBatch micro_batch, std::span<double> out) const { fill(micro_batch, 1, out); }

 private:
  void fill(MicroBatch micro_batch, std::int64_t ahead, std::span<double> out) const;

  std::int64_t vocab_;
  TokenRows rows_;                  ///< of a micro-batch
  std::int64_t first_micro_batch_;  ///< of this data-parallel rank, counted over all of them
};

}  // namespace foreshard
