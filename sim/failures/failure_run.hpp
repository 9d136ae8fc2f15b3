#pragma once

#include <cstdint>
#include <optional>

#include "planner/cost/step/goodput.hpp"
#include "planner/results/played_trainings.hpp"

namespace foreshard {

/// Simulates `runs` trainings of `computing` time each, failure by failure, to compare with the closed form
/// goodput(). A training consists of segments of `interval` with a checkpoint after each. A failure, which
/// can also happen during a checkpoint or a restart, sets the training back to the last checkpoint. Times are
/// in seconds, not on the step's clock. The same seed gives the same figures. If `runs` trainings would take
/// more than some seconds to simulate, fewer are simulated, at least two; if even two would, the result is
/// none.
/// @pre runs ≥ 2, interval and computing above zero
std::optional<PlayedTrainings> play_failures(const FailureModel& model, Seconds interval, Seconds computing,
                                             std::int64_t runs, std::uint64_t seed);

}  // namespace foreshard
