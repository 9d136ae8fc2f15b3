#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The record of an executed training.
struct TrainingCurve {
  std::string machine;  ///< ranks, host, device, communicator
  std::int64_t characters = 0;
  std::int64_t alphabet = 0;
  double entropy = 0.0;  ///< nats per character of a model that only knows the characters' frequencies
  double learning_rate = 0.0;
  std::vector<double> losses;  ///< by step; ends early if a loss is not finite
  Seconds time;                ///< of all steps

  /// False if a loss is not a finite number.
  [[nodiscard]] bool is_finite() const;
  /// The mean loss of the last tenth of the steps (at least one step), because single batches vary.
  [[nodiscard]] double final_loss() const;
  /// Tokens per second over the whole training. @param job  the job that was trained
  [[nodiscard]] double tokens_per_second(const JobSpec& job) const;
};

}  // namespace foreshard
