#pragma once

#include <optional>
#include <string>
#include <vector>

#include "planner/results/validation.hpp"

namespace foreshard {

/// One variant of a job: run, or why it was not.
struct SweepEntry {
  JobSpec job;
  std::optional<Validation> validation{};
  std::string why_not{};
};

/// A job validated in variants.
struct Sweep {
  std::vector<SweepEntry> entries;

  /// Of the variants that ran, the quickest first.
  [[nodiscard]] std::vector<const SweepEntry*> by_prediction() const;
  [[nodiscard]] std::vector<const SweepEntry*> by_measurement() const;
  /// The predicted order is the measured one; of fewer than two, it is.
  [[nodiscard]] bool same_order() const { return by_prediction() == by_measurement(); }
  /// Every variant that ran passed, and the order holds.
  [[nodiscard]] bool passed() const;
};

}  // namespace foreshard
