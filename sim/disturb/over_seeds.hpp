#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "sim/engine/sim_time.hpp"

namespace foreshard {

/// One seed and the step that it led to.
struct SeededStep {
  std::uint64_t seed = 0;
  SimTime time;
};

/// Plays a step for each of `count` seeds from `first` on, several at a time, and gives the steps from the
/// shortest to the longest. The same for any number of threads.
/// @param play     must be safe to call from several threads
/// @param finished  hears, from one thread at a time, how many are done
/// What either throws ends the draws; of several exceptions that of the lowest seed is thrown on.
std::vector<SeededStep> over_seeds(std::uint64_t first, std::size_t count, std::size_t threads,
                                   const std::function<SimTime(std::uint64_t seed)>& play,
                                   const std::function<void(std::size_t done)>& finished = {});

/// The step that is longer than this share of them. @pre they are sorted; 0 <= share <= 1; there is one
const SeededStep& percentile(const std::vector<SeededStep>& steps, double share);

}  // namespace foreshard
