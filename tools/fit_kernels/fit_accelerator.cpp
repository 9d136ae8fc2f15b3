#include "tools/fit_kernels/fit_accelerator.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <variant>

#include "planner/cost/ops/kernel_model.hpp"
#include "tools/fit_kernels/constants_to_fit.hpp"

namespace foreshard::fit {
namespace {

/// The accelerator whose attention runs as fast as alone: measurements are of single kernels; the slowdown
/// inside a step is a separate constant.
AcceleratorSpec outside_a_step(AcceleratorSpec accelerator) {
  for (std::optional<FlashAttention>& flash : accelerator.kernels.attention)
    if (flash) flash->in_step = 1.0;
  return accelerator;
}

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
  AcceleratorSpec tried = outside_a_step(accelerator);
  const std::vector<double> best = minimise(space, [&](const std::vector<double>& values) {
    turn_all(tried, knobs, values);
    return mean_distance(tried, sets);
  });
  turn_all(accelerator, knobs, best);
}

/// The type of a kernel's arithmetic; of a pass over memory, that of what it moves.
DType type_of(const MeasuredKernel& kernel) {
  const OpKind& kind = kernel.ops.front().kind;
  if (const auto* product = std::get_if<Gemm>(&kind)) return product->math;
  if (const auto* experts = std::get_if<GroupedGemm>(&kind)) return experts->math;
  if (const auto* core = std::get_if<Attention>(&kind)) return core->math;
  return DType::uint8;
}

std::size_t range_of(Seconds time) {
  return static_cast<std::size_t>(std::count_if(std::begin(kClassEnds), std::end(kClassEnds),
                                                [&](double end) { return time.value() >= end; }));
}

}  // namespace

std::vector<ClassFit> judge_by_class(const AcceleratorSpec& accelerator,
                                     const std::map<std::string, MeasuredSet>& sets) {
  const AcceleratorSpec alone = outside_a_step(accelerator);
  std::map<std::tuple<bool, Family, DType, std::size_t>, ClassFit> classes;
  for (const KernelFit& said : accelerator.fits) {
    const MeasuredSet& set = sets.at(said.data);
    const KernelModel model = model_for(alone, set);
    for (const MeasuredKernel& kernel : set.kernels) {
      const std::size_t range = range_of(kernel.time);
      ClassFit& fit = classes[{!said.fitted, set.family, type_of(kernel), range}];
      const double ratio = log_ratio(model, kernel);
      fit = {.family = set.family,
             .type = type_of(kernel),
             .range = range,
             .fitted = said.fitted,
             .kernels = fit.kernels + 1,
             .mean_error = fit.mean_error + std::abs(std::exp(ratio) - 1.0),
             .bias = fit.bias + ratio};
    }
  }
  std::vector<ClassFit> fits;
  for (auto& [key, fit] : classes) {
    fit.mean_error /= static_cast<double>(fit.kernels);
    fit.bias /= static_cast<double>(fit.kernels);
    fits.push_back(fit);
  }
  return fits;
}

std::vector<double> log_ratios(const AcceleratorSpec& accelerator, const MeasuredSet& set) {
  const KernelModel model = model_for(outside_a_step(accelerator), set);
  std::vector<double> ratios;
  for (const MeasuredKernel& kernel : set.kernels) ratios.push_back(log_ratio(model, kernel));
  return ratios;
}

KernelFit judge(const AcceleratorSpec& accelerator, const std::string& name, const MeasuredSet& set) {
  const auto count = static_cast<double>(set.kernels.size());
  double error = 0.0;
  double sum = 0.0;
  double squares = 0.0;
  for (const double ratio : log_ratios(accelerator, set)) {
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
