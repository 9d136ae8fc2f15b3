#pragma once

#include <cstdint>
#include <optional>

#include "planner/cost/step/goodput.hpp"

namespace foreshard {

/// What simulated runs came to.
struct FailureRuns {
  std::int64_t runs = 0;
  double goodput = 0.0;         ///< mean over runs
  double standard_error = 0.0;  ///< of that mean
  Seconds fifth;                ///< time of a run that one in twenty undercuts
  Seconds median;
  Seconds ninety_fifth;
};

/// Plays `runs` trainings of `computing` time each, failure by failure, beside the closed form of goodput():
/// segments of `interval`, a checkpoint after each, back to the last one at every failure, failures also
/// during checkpoints and restarts. In seconds, apart from the step's clock. The same seed gives the same
/// figures. Plays fewer runs, at least two, where so many would take more than some seconds, and none where two would.
/// @pre runs ≥ 2, interval and computing above zero
std::optional<FailureRuns> play_failures(const FailureModel& model, Seconds interval, Seconds computing,
                                         std::int64_t runs, std::uint64_t seed);

}  // namespace foreshard
