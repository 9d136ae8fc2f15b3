#pragma once

#include <cstdint>
#include <optional>

#include "planner/cost/step/goodput.hpp"
#include "planner/results/played_trainings.hpp"

namespace foreshard {

/// Plays `runs` trainings of `computing` time each, failure by failure, beside the closed form of goodput():
/// segments of `interval`, a checkpoint after each, back to the last one at every failure, failures also
/// during checkpoints and restarts. In seconds, apart from the step's clock. The same seed gives the same
/// figures. Plays fewer runs, at least two, where so many would take more than some seconds, and none where two would.
/// @pre runs ≥ 2, interval and computing above zero
std::optional<PlayedTrainings> play_failures(const FailureModel& model, Seconds interval, Seconds computing,
                                             std::int64_t runs, std::uint64_t seed);

}  // namespace foreshard
