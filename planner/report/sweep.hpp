#pragma once

#include <optional>
#include <string>
#include <vector>

#include "planner/report/validation.hpp"

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

std::string sweep_table(const JobSpec& job, const Sweep& sweep);
/// An object: {job, variants: [validate's objects, or {tp, pp, dp, why_not}], same_order}.
std::string sweep_json(const JobSpec& job, const Sweep& sweep);

}  // namespace foreshard
