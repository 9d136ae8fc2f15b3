#include "planner/cost/step/goodput.hpp"

#include <algorithm>
#include <cmath>

namespace foreshard {

FailureModel failure_model(const FailureSpec& failures, std::int64_t devices) {
  return {.mtbf = failures.mtbf_per_device / static_cast<double>(devices),
          .checkpoint = failures.checkpoint_write,
          .restart = failures.restart};
}

namespace {

/// The closed form of goodput(), without the lower limit.
double share_of_steps(const FailureModel& model, Seconds interval) {
  const double segment = (interval + model.checkpoint) / model.mtbf;
  const double taken = std::exp(model.restart / model.mtbf) * std::expm1(segment);
  return (interval / model.mtbf) / taken;
}

/// The logarithm of share_of_steps(), without the term R/M, which does not depend on the interval. Its values
/// can be compared even where the closed form underflows to 0 or is not a number. Uses ln(e^x − 1) = x + ln(1
/// − e^−x).
double log_share_of_steps(const FailureModel& model, Seconds interval) {
  const double segment = (interval + model.checkpoint) / model.mtbf;
  return std::log(interval / model.mtbf) - segment - std::log(-std::expm1(-segment));
}

}  // namespace

double goodput(const FailureModel& model, Seconds interval) {
  const double share = share_of_steps(model, interval);
  return share >= kLeastGoodput ? share : 0.0;
}

/// Golden-section search. Goodput as a function of τ has one maximum, because its inverse, (e^(τ+δ) − 1)/τ in
/// units of M, is convex.
Seconds best_interval(const FailureModel& model) {
  constexpr double kGolden = 0.6180339887498949;
  constexpr int kSteps = 100;  // each keeps 62% of the range: 100 exceed the precision of a double
  double low = 0.0;
  double high = 10.0;  // of M
  for (int step = 0; step < kSteps; ++step) {
    const double left = high - kGolden * (high - low);
    const double right = low + kGolden * (high - low);
    if (log_share_of_steps(model, left * model.mtbf) < log_share_of_steps(model, right * model.mtbf)) {
      low = left;
    } else {
      high = right;
    }
  }
  return 0.5 * (low + high) * model.mtbf;
}

Seconds young_interval(const FailureModel& model) {
  return std::sqrt(2.0 * (model.checkpoint / model.mtbf)) * model.mtbf;
}

Seconds daly_interval(const FailureModel& model) {
  const double half = 0.5 * (model.checkpoint / model.mtbf);  // δ/2M
  if (half >= 1.0) return model.mtbf;
  return young_interval(model) * (1.0 + std::sqrt(half) / 3.0 + half / 9.0) - model.checkpoint;
}

std::int64_t spare_nodes(const FailureModel& model, Seconds repair) {
  constexpr double kOften = 0.99;
  constexpr double kCountable = 1e15;
  const double mean = std::min(repair / model.mtbf, kCountable);
  // For a large mean, the Poisson distribution is close to a normal one with variance equal to the mean. The
  // 99% point of that lies 2.326 standard deviations above the mean.
  constexpr double kLarge = 1e6;
  constexpr double kNormalQuantile = 2.3263478740408408;
  if (mean > kLarge)
    return static_cast<std::int64_t>(std::ceil(mean + kNormalQuantile * std::sqrt(mean))) + 1;
  // Terms are kept as logarithms, because e^−mean underflows for a large mean.
  double covered = 0.0;
  double log_term = -mean;
  for (std::int64_t spares = 0;; ++spares) {
    covered += std::exp(log_term);
    // `covered` is the probability that at most `spares` nodes are under repair. The failed node needs one
    // more spare.
    if (covered >= kOften || static_cast<double>(spares) > mean + 20.0 * std::sqrt(mean) + 20.0)
      return spares + 1;
    log_term += std::log(mean) - std::log(static_cast<double>(spares + 1));
  }
}

FailureFigures failure_figures(const FailureSpec& failures, std::int64_t devices, Seconds computing,
                               const std::optional<DollarsPerSecond>& price) {
  const FailureModel model = failure_model(failures, devices);
  FailureFigures figures{.mtbf = model.mtbf, .interval = {}};
  figures.is_best = !failures.checkpoint_interval;
  figures.interval = failures.checkpoint_interval.value_or(best_interval(model));
  figures.goodput = goodput(model, figures.interval);
  if (figures.goodput == 0.0) return figures;
  const Seconds time = computing / figures.goodput;
  figures.time = time;
  figures.failures = time / model.mtbf;
  figures.device_hours = time / kHour * static_cast<double>(devices);
  if (price) figures.cost = *price * (time * static_cast<double>(devices));
  if (failures.repair) figures.spares = spare_nodes(model, *failures.repair);
  return figures;
}

}  // namespace foreshard
