#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

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
  /// @param job  that was trained
  [[nodiscard]] double tokens_per_second(const JobSpec& job) const;
};

}  // namespace foreshard
