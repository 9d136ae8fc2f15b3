#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard::cli {

/// How a real training went.
struct TrainingCurve {
  std::string machine;  ///< ranks, host, device, communicator
  std::int64_t characters = 0;
  std::int64_t alphabet = 0;
  double entropy = 0.0;  ///< nats per character of one that knows frequencies alone
  double learning_rate = 0.0;
  std::vector<double> losses;  ///< by step; may end early with one that is not finite
  Seconds time;                ///< of all steps

  /// False where the loss is no number any more.
  [[nodiscard]] bool is_finite() const;
  /// The mean of the last tenth of the steps, at least one: single batches differ.
  [[nodiscard]] double final_loss() const;
};

/// For people: what was trained, the losses as bars, and what they say.
std::string training_table(const JobSpec& job, const TrainingCurve& curve);

/// {job, steps, losses[], final_loss, entropy, characters, alphabet, learning_rate, seconds, tokens_per_s}
std::string training_json(const JobSpec& job, const TrainingCurve& curve);

}  // namespace foreshard::cli
