#include "sim/failures/failure_run.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace foreshard {
namespace {

/// Draws the times to the next failure, in seconds. Uses 53 bits of a generator that gives the same numbers
/// on every platform.
class Failures {
 public:
  Failures(double mtbf, std::uint64_t seed) : mtbf_(mtbf), draw_(seed) {}
  double next() {
    constexpr double kOneIn2To53 = 1.0 / 9007199254740992.0;
    const double share = (static_cast<double>(draw_() >> 11U) + 0.5) * kOneIn2To53;
    return -mtbf_ * std::log(share);
  }

 private:
  double mtbf_;
  std::mt19937_64 draw_;
};

/// Time until `work` has been done without a failure. Each failure costs a restart, which may itself fail.
/// Exponential failure times are memoryless, so every attempt draws a new one.
double time_of(double work, double restart, Failures& failures) {
  double taken = 0.0;
  for (double next = failures.next(); next < work; next = failures.next()) {
    taken += next;
    for (next = failures.next(); next < restart; next = failures.next()) taken += next;
    taken += restart;
  }
  return taken + work;
}

double run_time(const FailureModel& model, double interval, double computing, Failures& failures) {
  const double checkpoint = model.checkpoint.value();
  double taken = 0.0;
  for (double left = computing; left > 0.0; left -= interval)
    taken += time_of(std::min(left, interval) + checkpoint, model.restart.value(), failures);
  return taken;
}

/// Expected number of failure times that one run draws: one for each segment; and for each failure one for
/// the segment that begins again and e^(R/M) for its restarts (R restart time, M mean time between failures).
double draws_of_a_run(const FailureModel& model, Seconds interval, Seconds computing) {
  const double segments = computing / interval;
  const double failures = segments * std::expm1((interval + model.checkpoint) / model.mtbf);
  return segments + failures * (1.0 + std::exp(model.restart / model.mtbf));
}

}  // namespace

std::optional<PlayedTrainings> play_failures(const FailureModel& model, Seconds interval, Seconds computing,
                                             std::int64_t runs, std::uint64_t seed) {
  constexpr double kMostDraws = 5e7;  // number of failure times: takes a few seconds
  const double most_runs = kMostDraws / draws_of_a_run(model, interval, computing);
  if (!(most_runs >= 2.0)) return std::nullopt;
  runs = std::min(runs, static_cast<std::int64_t>(std::min(most_runs, 1e15)));
  Failures failures(model.mtbf.value(), seed);
  std::vector<double> times;
  double sum = 0.0;
  double squares = 0.0;
  for (std::int64_t run = 0; run < runs; ++run) {
    times.push_back(run_time(model, interval.value(), computing.value(), failures));
    const double share = computing.value() / times.back();
    sum += share;
    squares += share * share;
  }
  const auto n = static_cast<double>(runs);
  const double mean = sum / n;
  const double variance = std::max(0.0, (squares - n * mean * mean) / (n - 1.0));
  std::sort(times.begin(), times.end());
  const auto quantile = [&](double share) {
    return Seconds(times[static_cast<std::size_t>(share * (n - 1.0))]);
  };
  return PlayedTrainings{.runs = runs,
                         .goodput = mean,
                         .standard_error = std::sqrt(variance / n),
                         .fifth = quantile(0.05),
                         .median = quantile(0.5),
                         .ninety_fifth = quantile(0.95)};
}

}  // namespace foreshard
