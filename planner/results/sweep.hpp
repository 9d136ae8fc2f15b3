#pragma once

#include <optional>
#include <string>
#include <vector>

#include "planner/results/validation.hpp"

namespace foreshard {

/// One variant of a job: its validation, or the reason why it was not run.
struct SweepEntry {
  JobSpec job;
  std::optional<Validation> validation{};
  std::string why_not{};
};

/// The validations of several variants of a job.
struct Sweep {
  std::vector<SweepEntry> entries;

  /// The variants that ran, the fastest first.
  [[nodiscard]] std::vector<const SweepEntry*> by_prediction() const;
  [[nodiscard]] std::vector<const SweepEntry*> by_measurement() const;
  /// True if the predicted order is the measured one; always true for fewer than two variants.
  [[nodiscard]] bool same_order() const { return by_prediction() == by_measurement(); }
  /// True if every variant that ran passed and same_order() holds.
  [[nodiscard]] bool passed() const;
};

}  // namespace foreshard
