#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "sim/engine/sim_time.hpp"

namespace foreshard {

/// A seed and the step time that it gave.
struct SeededStep {
  std::uint64_t seed = 0;
  SimTime time;
};

/// Simulates a step for each of `count` seeds from `first` on, on several threads, and returns the steps
/// sorted from the shortest to the longest. The result does not depend on the number of threads.
/// @param play     must be safe to call from several threads
/// @param finished  is called by one thread at a time with the number of steps that are done
/// An exception from either function stops the draws; of several, the one of the lowest seed is rethrown.
std::vector<SeededStep> over_seeds(std::uint64_t first, std::size_t count, std::size_t threads,
                                   const std::function<SimTime(std::uint64_t seed)>& play,
                                   const std::function<void(std::size_t done)>& finished = {});

/// The percentile of sorted steps: the step that is longer than this share of them.
/// @pre steps are sorted and not empty; 0 <= share <= 1
const SeededStep& percentile(const std::vector<SeededStep>& steps, double share);

}  // namespace foreshard
