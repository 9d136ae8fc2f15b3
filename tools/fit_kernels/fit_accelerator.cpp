#include "tools/fit_kernels/fit_accelerator.hpp"

#include <cmath>
#include <optional>
#include <stdexcept>
#include <utility>

#include "planner/cost/ops/kernel_model.hpp"
#include "tools/fit_kernels/constants_to_fit.hpp"

namespace foreshard::fit {
namespace {

double log_ratio(const KernelModel& model, const MeasuredKernel& kernel) {
  Seconds predicted;
  for (const Op& op : kernel.ops) predicted += model.time(op, kernel.program).time;
  return std::log(predicted / kernel.time);
}

/// All kernels of a set run the same version of fused attention.
KernelModel model_for(const AcceleratorSpec& accelerator, const MeasuredSet& set) {
  return KernelModel(accelerator, set.kernels.front().flash);
}

double mean_distance(const AcceleratorSpec& accelerator, const Sets& sets) {
  double sum = 0.0;
  for (const MeasuredSet* set : sets) {
    const KernelModel model = model_for(accelerator, *set);
    double distance = 0.0;
    for (const MeasuredKernel& kernel : set->kernels) distance += std::abs(log_ratio(model, kernel));
    sum += distance / static_cast<double>(set->kernels.size());
  }
  return sum / static_cast<double>(sets.size());
}

void turn_all(AcceleratorSpec& accelerator, const std::vector<Knob>& knobs,
              const std::vector<double>& values) {
  for (std::size_t i = 0; i < knobs.size(); ++i) knobs[i].turn(accelerator, values[i]);
}

void fit_together(AcceleratorSpec& accelerator, const Sets& sets) {
  const std::vector<Knob> knobs = knobs_for(accelerator, sets);
  std::vector<Coordinate> space;
  for (const Knob& knob : knobs) space.push_back(knob.space);
  // The measurements are of single kernels; the slowdown inside a step is a separate constant.
  AcceleratorSpec tried = accelerator;
  for (std::optional<FlashAttention>& flash : tried.kernels.attention)
    if (flash) flash->in_step = 1.0;
  const std::vector<double> best = minimise(space, [&](const std::vector<double>& values) {
    turn_all(tried, knobs, values);
    return mean_distance(tried, sets);
  });
  turn_all(accelerator, knobs, best);
}

}  // namespace

KernelFit judge(const AcceleratorSpec& accelerator, const std::string& name, const MeasuredSet& set) {
  AcceleratorSpec alone = accelerator;
  for (std::optional<FlashAttention>& flash : alone.kernels.attention)
    if (flash) flash->in_step = 1.0;
  const KernelModel model = model_for(alone, set);
  const auto count = static_cast<double>(set.kernels.size());
  double error = 0.0;
  double sum = 0.0;
  double squares = 0.0;
  for (const MeasuredKernel& kernel : set.kernels) {
    const double ratio = log_ratio(model, kernel);
    error += std::abs(std::exp(ratio) - 1.0) / count;
    sum += ratio / count;
    squares += ratio * ratio / count;
  }
  return {.data = name,
          .fitted = false,
          .kernels = static_cast<std::int64_t>(set.kernels.size()),
          .mean_error = error,
          .spread = std::sqrt(std::max(0.0, squares - sum * sum))};
}

AcceleratorSpec fit_accelerator(const AcceleratorSpec& accelerator,
                                const std::map<std::string, MeasuredSet>& sets) {
  const auto set_of = [&](const KernelFit& fit) -> const MeasuredSet& {
    const auto set = sets.find(fit.data);
    if (set == sets.end())
      throw std::runtime_error(accelerator.name + ": there is no set of measured kernels " + fit.data);
    return set->second;
  };
  // Matrix products are fitted before grouped products, whose rate depends on theirs.
  std::map<std::pair<Family, std::optional<FlashVersion>>, Sets> together;
  for (const KernelFit& fit : accelerator.fits) {
    const MeasuredSet& set = set_of(fit);
    if (fit.fitted) together[{set.family, set.kernels.front().flash}].push_back(&set);
  }
  AcceleratorSpec fitted = accelerator;
  for (const auto& [what, group] : together) fit_together(fitted, group);
  for (KernelFit& fit : fitted.fits) {
    const bool was_fitted = fit.fitted;
    fit = judge(fitted, fit.data, set_of(fit));
    fit.fitted = was_fitted;
  }
  return fitted;
}

}  // namespace foreshard::fit
