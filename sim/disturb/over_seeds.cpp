#include "sim/disturb/over_seeds.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <tuple>

#include "planner/search/best/workers.hpp"

namespace foreshard {

std::vector<SeededStep> over_seeds(std::uint64_t first, std::size_t count, std::size_t threads,
                                   const std::function<SimTime(std::uint64_t seed)>& play,
                                   const std::function<void(std::size_t done)>& finished) {
  std::vector<SeededStep> steps(count);
  std::atomic<std::size_t> failed{count};
  std::mutex speaking;
  std::size_t done = 0;
  run_on_threads(count, threads, [&](std::size_t i) {
    if (i > failed) return;  // its step is no longer needed
    try {
      steps[i] = {first + i, play(first + i)};
    } catch (...) {
      failed = std::min(failed.load(), i);
      throw;
    }
    const std::lock_guard lock(speaking);
    ++done;
    if (finished) finished(done);
  });
  std::sort(steps.begin(), steps.end(), [](const SeededStep& a, const SeededStep& b) {
    return std::tie(a.time, a.seed) < std::tie(b.time, b.seed);
  });
  return steps;
}

const SeededStep& percentile(const std::vector<SeededStep>& steps, double share) {
  return steps[static_cast<std::size_t>(share * static_cast<double>(steps.size() - 1))];
}

}  // namespace foreshard
