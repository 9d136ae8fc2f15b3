#include "planner/fit/fit_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/ops/kernel_model.hpp"
#include "planner/cost/ops/minimise.hpp"

namespace foreshard {
namespace {

/// Rates are first set to these and then multiplied by a fitted factor. They are so low that fixed costs are
/// negligible.
constexpr FlopsPerSecond kTrialRate{1e9};
constexpr BytesPerSecond kTrialBandwidth{1e9};

struct Weighed {
  const MeasuredKernel* kernel = nullptr;
  double weight = 0.0;
};
using WeighedRows = std::vector<Weighed>;

double median_by_weight(std::vector<std::pair<double, double>> values_and_weights) {
  std::sort(values_and_weights.begin(), values_and_weights.end());
  double all = 0.0;
  for (const auto& [value, weight] : values_and_weights) all += weight;
  double below = 0.0;
  for (const auto& [value, weight] : values_and_weights) {
    below += weight;
    if (2.0 * below >= all) return value;
  }
  return values_and_weights.back().first;
}

/// A coordinate of a search over several orders of magnitude: the logarithm.
Coordinate logarithmic(double start, double least, double most) {
  return {.start = std::log(std::clamp(start, least, most)),
          .step = 1.0,
          .least = std::log(least),
          .most = std::log(most)};
}

/// Fits the constants, family by family.
class Fitter {
 public:
  Fitter(const KernelMeasurements& measured, AcceleratorSpec& spec, const KernelFitting& how)
      : measured_(measured),
        spec_(spec),
        how_(how),
        type_(static_cast<std::size_t>(how.products)),
        flash_(static_cast<std::size_t>(how.flash)),
        datasheet_bandwidth_(spec.memory_bandwidth),
        datasheet_rate_(spec.gemm[type_]) {
    std::map<std::pair<std::size_t, KernelFamily>, double> time;  // of a family in one step of a program
    for (const MeasuredKernel& kernel : measured.kernels)
      time[{kernel.program, family_of(kernel.op)}] += time_in_step(kernel);
    for (const MeasuredKernel& kernel : measured.kernels) {
      const KernelFamily family = family_of(kernel.op);
      families_[family].push_back({&kernel, time_in_step(kernel) / time.at({kernel.program, family})});
    }
  }

  void run() {
    if (has_passes()) {
      spec_.kernels.memory_efficiency = 1.0;
      spec_.memory_bandwidth = kTrialBandwidth;
    }
    // Families are fitted independently, but KernelModel needs all constants.
    set_rate(kTrialRate);
    if (has_passes()) fit_passes();
    fit_products();
    fit_attention(false);
    fit_attention(true);
    if (has_passes()) spec_.kernels.spread = rounded(std::min(1.0, spread_of_all()), 2);
  }

  [[nodiscard]] bool has_passes() const {
    return std::any_of(families_.begin(), families_.end(),
                       [](const auto& family) { return family.first.is_memory(); });
  }

  [[nodiscard]] std::vector<FamilyFit> judge() const {
    const KernelModel model(spec_);
    std::vector<FamilyFit> fits;
    for (const auto& [family, kernels] : families_) fits.push_back(judge(family, kernels, model));
    return fits;
  }

 private:
  static double time_in_step(const MeasuredKernel& kernel) {
    return static_cast<double>(kernel.runs) * kernel.time.median.value();
  }

  [[nodiscard]] const StepProgram& program_of(const MeasuredKernel& kernel) const {
    return measured_.programs[kernel.program];
  }
  [[nodiscard]] double log_ratio(const MeasuredKernel& kernel, const KernelModel& model) const {
    return std::log(model.time(kernel.op, program_of(kernel)).time / kernel.time.median);
  }

  [[nodiscard]] double mean_distance(const std::vector<const WeighedRows*>& families) const {
    const KernelModel model(spec_);
    double sum = 0.0;
    double weights = 0.0;
    for (const WeighedRows* family : families) {
      for (const Weighed& each : *family) {
        sum += each.weight * std::abs(log_ratio(*each.kernel, model));
        weights += each.weight;
      }
    }
    return sum / weights;
  }

  /// The factor by which the model's present rate must be multiplied so that its times, without the fixed
  /// cost, are too short for half of the kernels, by weight, and too long for the other half: a weighted
  /// median.
  /// Example: model times without fixed cost 4, 6 and 9 s, measured 2, 2 and 3 s, equal weights: factors 2,
  /// 3, 3, median 3.
  /// @param is_one  which of the family's kernels count
  double speed_up(const WeighedRows& family, Seconds fixed,
                  const std::function<bool(const MeasuredKernel&)>& is_one) const {
    const KernelModel model(spec_);
    std::vector<std::pair<double, double>> factors;
    for (const auto& [kernel, weight] : family) {
      if (!is_one(*kernel)) continue;
      const Seconds work = model.time(kernel->op, program_of(*kernel)).time - fixed;
      // If a kernel takes hardly longer than the fixed cost, the difference is mostly noise: use at least 5%
      // of its time.
      const Seconds measured = std::max(kernel->time.median - fixed, 0.05 * kernel->time.median);
      factors.emplace_back(work / measured, weight);
    }
    return factors.empty() ? 1.0 : median_by_weight(std::move(factors));
  }

  // ---- passes over memory: T = launch + (x + h) / (fraction·bandwidth)

  void fit_passes() {
    std::vector<const WeighedRows*> passes;
    Seconds quickest(1.0);
    for (const auto& [family, kernels] : families_) {
      if (!family.is_memory()) continue;
      passes.push_back(&kernels);
      for (const Weighed& each : kernels) quickest = std::min(quickest, each.kernel->time.median);
    }
    const std::vector<Coordinate> space = {logarithmic(0.5 * quickest.value(), 1e-8, 1e-3),
                                           logarithmic(16.0 * kKibi, 64.0, 64.0 * kMebi)};
    const auto set_constants = [&](const std::vector<double>& at) {
      spec_.kernels.launch = Seconds(rounded(std::exp(at[0]), kFittedDigits));
      spec_.kernels.memory_half_size = Bytes(std::llround(rounded(std::exp(at[1]), 3)));
      set_fractions();
    };
    set_constants(minimise(space, [&](const std::vector<double>& at) {
      set_constants(at);
      return mean_distance(passes);
    }));
    normalise_bandwidth();
  }

  std::optional<double>& fraction_of(const KernelFamily& family) {
    MemoryFraction& fraction = spec_.kernels.memory_fraction[static_cast<std::size_t>(family.pass)];
    return family.backward ? fraction.backward : fraction.forward;
  }

  /// Sets every kind of pass's fraction of the present bandwidth.
  void set_fractions() {
    for (const auto& [family, kernels] : families_)
      if (family.is_memory()) fraction_of(family) = 1.0;
    std::vector<std::pair<KernelFamily, double>> found;
    for (const auto& [family, kernels] : families_) {
      if (!family.is_memory()) continue;
      found.emplace_back(family, speed_up(kernels, spec_.kernels.launch, [](const auto&) { return true; }));
    }
    for (const auto& [family, factor] : found) fraction_of(family) = factor;
  }

  /// Sets the bandwidth to the best that any kind of pass reaches, and rescales the fractions.
  void normalise_bandwidth() {
    BytesPerSecond best;
    for (const auto& [family, kernels] : families_) {
      if (!family.is_memory()) continue;
      best = std::max(best, *fraction_of(family) * spec_.memory_bandwidth);
    }
    best = how_.keeps_datasheet ? datasheet_bandwidth_ : BytesPerSecond(rounded(best.value(), kFittedDigits));
    std::vector<std::pair<double, double>> all;
    for (const auto& [family, kernels] : families_) {
      if (!family.is_memory()) continue;
      std::optional<double>& fraction = fraction_of(family);
      fraction = std::min(1.0, rounded(*fraction * (spec_.memory_bandwidth / best), kFittedDigits));
      all.emplace_back(*fraction, 1.0);
    }
    spec_.memory_bandwidth = best;
    spec_.kernels.memory_efficiency = median_by_weight(std::move(all));
  }

  // ---- products: T = fixed + 2·m·n·(k + k0) / rate

  void set_rate(FlopsPerSecond rate) { spec_.gemm[type_] = GemmRate{.peak = rate, .efficiency = 1.0}; }

  [[nodiscard]] bool accumulates(const MeasuredKernel& kernel) const {
    return kernel.op.operands[2].access == Access::accumulate;
  }

  void fit_products() {
    const WeighedRows& products = families_.at({.pass = MemoryPass::gemm});
    if (how_.keeps_fixed_costs) {
      set_product_rates(products);
      normalise_peak(products);
      return;
    }
    const std::vector<Coordinate> space = {logarithmic(2e-6, 1e-8, 1e-3),
                                           {.start = 16.0, .step = 16.0, .least = 0.0, .most = 512.0}};
    const auto set_constants = [&](const std::vector<double>& at) {
      spec_.kernels.gemm_fixed = Seconds(rounded(std::exp(at[0]), kFittedDigits));
      spec_.kernels.gemm_k_prologue = std::llround(at[1]);
      set_product_rates(products);
    };
    set_constants(minimise(space, [&](const std::vector<double>& at) {
      set_constants(at);
      return mean_distance({&products});
    }));
    normalise_peak(products);
  }

  void set_product_rates(const WeighedRows& products) {
    set_rate(kTrialRate);
    const bool has_adding = std::any_of(products.begin(), products.end(),
                                        [&](const Weighed& each) { return accumulates(*each.kernel); });
    if (has_adding) spec_.kernels.gemm_accumulate = 1.0;
    const Seconds fixed = spec_.kernels.gemm_fixed;
    const double writing =
        speed_up(products, fixed, [&](const MeasuredKernel& kernel) { return !accumulates(kernel); });
    const double adding =
        speed_up(products, fixed, [&](const MeasuredKernel& kernel) { return accumulates(kernel); });
    set_rate(writing * kTrialRate);
    if (has_adding)
      spec_.kernels.gemm_accumulate = std::clamp(rounded(adding / writing, kFittedDigits), 0.01, 1.0);
  }

  void normalise_peak(const WeighedRows& products) {
    const FlopsPerSecond approached = spec_.gemm[type_]->peak;
    FlopsPerSecond best = how_.keeps_datasheet ? datasheet_rate_->peak : approached;
    if (!how_.keeps_datasheet) {
      for (const auto& [kernel, weight] : products)
        best = std::max(best, op_flops(kernel->op).executed / kernel->time.median);
      best = FlopsPerSecond(rounded(best.value(), kFittedDigits));
    }
    spec_.gemm[type_] =
        GemmRate{.peak = best, .efficiency = std::min(1.0, rounded(approached / best, kFittedDigits))};
  }

  // ---- attention: docs/cost_model.md

  void fit_attention(bool backward) {
    const auto found = families_.find({.pass = MemoryPass::attention, .backward = backward});
    if (found == families_.end()) return;
    spec_.usual_flash = how_.flash;
    const WeighedRows& cores = found->second;
    std::optional<FlashAttention>& flash = spec_.kernels.attention[flash_];
    if (!flash) flash.emplace();
    AttentionRate& rate = backward ? flash->backward : flash->forward;
    const auto set_efficiency = [&] {
      // An efficiency so low that fixed costs are negligible: the trial rate relative to the peak.
      const double trial = kTrialRate / spec_.gemm[type_]->peak;
      rate.efficiency = trial;
      const double factor = speed_up(cores, spec_.kernels.launch, [](const auto&) { return true; });
      rate.efficiency = std::min(1.0, rounded(trial * factor, kFittedDigits));
    };
    // The tail of the last wave of blocks exists only on GPUs.
    const double most_tail = how_.keeps_datasheet ? 512.0 : 0.0;
    const std::vector<Coordinate> space = {
        {.start = 16.0, .step = 16.0, .least = 0.0, .most = 256.0},
        {.start = 32.0, .step = 32.0, .least = 0.0, .most = 512.0},
        {.start = most_tail / 8.0, .step = 32.0, .least = 0.0, .most = most_tail}};
    const auto set_constants = [&](const std::vector<double>& at) {
      rate.score_cost = rounded(at[0], 3);
      rate.key_prologue = rounded(at[1], 3);
      rate.tail_rows = rounded(at[2], 3);
      set_efficiency();
    };
    set_constants(minimise(space, [&](const std::vector<double>& at) {
      set_constants(at);
      return mean_distance({&cores});
    }));
  }

  // ---- quality of the fit

  FamilyFit judge(const KernelFamily& family, const WeighedRows& kernels, const KernelModel& model) const {
    FamilyFit fit{.family = family, .kernels = static_cast<std::int64_t>(kernels.size())};
    double total = 0.0;
    for (const Weighed& each : kernels) total += each.weight;
    double sum = 0.0;
    double squares = 0.0;
    std::vector<std::pair<double, double>> spreads;
    for (const Weighed& each : kernels) {
      // The same weights as in the fit: by share of the step's time.
      const double share = each.weight / total;
      const double ratio = log_ratio(*each.kernel, model);
      fit.mean_error += share * std::abs(std::exp(ratio) - 1.0);
      sum += share * ratio;
      squares += share * ratio * ratio;
      spreads.emplace_back(each.kernel->time.spread / each.kernel->time.median, 1.0);
    }
    fit.residual = std::sqrt(std::max(0.0, squares - sum * sum));
    fit.unsteadiness = median_by_weight(std::move(spreads));
    const GemmRate& gemm = *spec_.gemm[type_];
    if (family.is_product()) fit.rate = gemm.efficiency * gemm.peak;
    if (family.is_attention()) {
      const FlashAttention& flash = *spec_.kernels.attention[flash_];
      fit.rate = (family.backward ? flash.backward : flash.forward).efficiency * gemm.peak;
    }
    if (family.is_memory()) {
      const MemoryFraction& fraction = spec_.kernels.memory_fraction[static_cast<std::size_t>(family.pass)];
      fit.bandwidth = *(family.backward ? fraction.backward : fraction.forward) * spec_.memory_bandwidth;
    }
    return fit;
  }

  /// Root mean square of log(predicted/measured) over all kernels, weighted by their share of their program's
  /// step.
  [[nodiscard]] double spread_of_all() const {
    const KernelModel model(spec_);
    std::vector<double> step(measured_.programs.size(), 0.0);
    for (const MeasuredKernel& kernel : measured_.kernels) step[kernel.program] += time_in_step(kernel);
    double squares = 0.0;
    for (const MeasuredKernel& kernel : measured_.kernels) {
      const double ratio = log_ratio(kernel, model);
      squares += ratio * ratio * time_in_step(kernel) / step[kernel.program];
    }
    return std::sqrt(squares / static_cast<double>(step.size()));
  }

  const KernelMeasurements& measured_;
  AcceleratorSpec& spec_;
  const KernelFitting& how_;
  std::size_t type_;
  std::size_t flash_;
  BytesPerSecond datasheet_bandwidth_;
  std::optional<GemmRate> datasheet_rate_;
  std::map<KernelFamily, WeighedRows> families_;
};

}  // namespace

std::vector<FamilyFit> fit_kernels(const KernelMeasurements& measured, AcceleratorSpec& accelerator,
                                   const KernelFitting& how) {
  Fitter fitter(measured, accelerator, how);
  fitter.run();
  std::vector<FamilyFit> fits = fitter.judge();
  if (fitter.has_passes()) accelerator.fits.clear();
  for (const FamilyFit& fit : fits) {
    accelerator.fits.push_back({.data = to_string(fit.family),
                                .fitted = true,
                                .kernels = fit.kernels,
                                .mean_error = rounded(fit.mean_error, 3),
                                .spread = rounded(fit.residual, 3)});
  }
  return fits;
}

}  // namespace foreshard
