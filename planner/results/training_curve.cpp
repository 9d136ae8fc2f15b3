#include "planner/results/training_curve.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "planner/units/count.hpp"

namespace foreshard {

bool TrainingCurve::is_finite() const {
  return std::all_of(losses.begin(), losses.end(), [](double loss) { return std::isfinite(loss); });
}

double TrainingCurve::final_loss() const {
  const std::size_t last = std::max<std::size_t>(1, losses.size() / 10);
  return std::accumulate(losses.end() - static_cast<std::ptrdiff_t>(last), losses.end(), 0.0) /
         static_cast<double>(last);
}

double TrainingCurve::tokens_per_second(const JobSpec& job) const {
  const auto tokens = static_cast<double>(checked_product(
      job.training.global_batch, job.training.sequence_length, static_cast<std::int64_t>(losses.size())));
  return tokens / time.value();
}

}  // namespace foreshard
