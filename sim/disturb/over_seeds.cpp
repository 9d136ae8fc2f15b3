#include "sim/disturb/over_seeds.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <tuple>

namespace foreshard {

std::vector<SeededStep> over_seeds(std::uint64_t first, std::size_t count, std::size_t threads,
                                   const std::function<SimTime(std::uint64_t seed)>& play,
                                   const std::function<void(std::size_t done)>& finished) {
  std::vector<SeededStep> steps(count);
  std::vector<std::exception_ptr> failures(count);
  std::atomic<std::size_t> next{0};
  std::mutex speaking;
  std::size_t done = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        steps[i] = {first + i, play(first + i)};
        const std::lock_guard lock(speaking);
        ++done;
        if (finished) finished(done);
      } catch (...) {
        failures[i] = std::current_exception();
        next = count;  // lower seeds have already begun; higher seeds are no longer needed
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t t = 1; t < std::min(threads, count); ++t) workers.emplace_back(work);
    work();
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  std::sort(steps.begin(), steps.end(), [](const SeededStep& a, const SeededStep& b) {
    return std::tie(a.time, a.seed) < std::tie(b.time, b.seed);
  });
  return steps;
}

const SeededStep& percentile(const std::vector<SeededStep>& steps, double share) {
  return steps[static_cast<std::size_t>(share * static_cast<double>(steps.size() - 1))];
}

}  // namespace foreshard
