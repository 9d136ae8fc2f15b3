#include "planner/search/capacity.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "planner/units/count.hpp"

namespace foreshard {
namespace {

constexpr std::int64_t kSequenceStep = 1024;

/// Number of guesses by linear interpolation before bisection takes over, which always ends after few steps.
constexpr int kMostGuesses = 8;

std::optional<double> headroom_of(const JobSpec& job) {
  if (!find_illegalities(job).empty()) return std::nullopt;
  const MemoryReport memory = memory_report(job, build_step_program(job));
  return (memory.capacity - memory.reserved - memory.context).as_double();
}

std::optional<std::int64_t> longest_multiple(const JobSpec& job, std::int64_t step, std::int64_t most) {
  JobSpec other = job;
  const auto headroom = [&](std::int64_t steps) {
    other.training.sequence_length = checked_product(steps, step);
    return headroom_of(other);
  };
  const std::int64_t steps = detail::largest_fitting(headroom, most / step);
  return steps > 0 ? std::optional(steps * step) : std::nullopt;
}

struct Sample {
  std::int64_t size;
  double headroom;
};

/// Where the line through both points meets zero; none if it never falls.
std::optional<double> zero_of_line(const Sample& a, const Sample& b) {
  const double slope = (b.headroom - a.headroom) / static_cast<double>(b.size - a.size);
  if (!(slope < 0.0)) return std::nullopt;
  return static_cast<double>(b.size) - b.headroom / slope;
}

}  // namespace

namespace detail {

std::int64_t largest_fitting(const Headroom& headroom, std::int64_t most) {
  // Invariant: `fits` fits or is 0, `too_much` does not fit or is beyond the bound.
  std::int64_t fits = 0;
  std::int64_t too_much = most + 1;
  std::optional<Sample> before;
  std::optional<Sample> last;
  const auto probe = [&](std::int64_t size) {
    const std::optional<double> spare = headroom(size);
    (spare && *spare >= 0.0 ? fits : too_much) = size;
    if (!spare) return;
    before = last;
    last = Sample{size, *spare};
  };
  // Memory is linear in the size, or the maximum of a few linear functions. So the zero of the line through
  // two probes is the limit or close to it, and two probes at neighbouring sizes prove it.
  int guesses = 0;
  while (too_much - fits > 1) {
    std::int64_t next = fits + (too_much - fits) / 2;
    if (!last) {
      next = 1;
    } else if (!before) {
      next = 2;
    } else if (const auto zero = zero_of_line(*before, *last); zero && guesses < kMostGuesses) {
      next = static_cast<std::int64_t>(std::floor(std::clamp(*zero, 0.0, static_cast<double>(most))));
    }
    probe(std::clamp(next, fits + 1, too_much - 1));
    ++guesses;
  }
  return fits;
}

}  // namespace detail

std::optional<std::int64_t> largest_micro_batch(const JobSpec& job) {
  JobSpec other = job;
  const auto headroom = [&](std::int64_t micro_batch) {
    other.training.micro_batch = micro_batch;
    other.training.global_batch = checked_product(job.parallelism.dp, job.micro_batches(), micro_batch);
    return headroom_of(other);
  };
  const std::int64_t largest = detail::largest_fitting(headroom, kMostMicroBatch);
  return largest > 0 ? std::optional(largest) : std::nullopt;
}

std::optional<std::int64_t> longest_sequence(const JobSpec& job) {
  const std::int64_t shards = checked_product(job.parallelism.tp, job.parallelism.cp);
  const std::int64_t step = std::lcm(kSequenceStep, shards);
  const auto longest = longest_multiple(job, step, kMostSequence);
  return longest ? longest : longest_multiple(job, shards, step - 1);
}

}  // namespace foreshard
