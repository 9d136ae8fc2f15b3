#include "planner/search/comparison.hpp"

#include <algorithm>
#include <utility>

#include "planner/search/capacity.hpp"
#include "planner/search/fewest_devices.hpp"
#include "planner/search/likelihood.hpp"

namespace foreshard {
namespace {

ComparedVariant plan(Variant variant) {
  ComparedVariant compared;
  compared.variant = std::move(variant);
  const JobSpec& job = compared.variant.job;
  if (compared.variant.illegal) return compared;
  compared.estimate = estimate(job);
  compared.largest_micro_batch = largest_micro_batch(job);
  compared.longest_sequence = longest_sequence(job);
  return compared;
}

std::vector<AxisChoice> choices_but_nodes(const Variant& variant) {
  std::vector<AxisChoice> choices = variant.choices;
  std::erase_if(choices, [](const AxisChoice& choice) { return choice.axis == Axis::nodes; });
  return choices;
}

/// The first legal variant that differs from this one only in nodes; this one itself if there is none before
/// it.
std::size_t reference_of(const std::vector<ComparedVariant>& variants, const ComparedVariant& variant) {
  const auto choices = choices_but_nodes(variant.variant);
  const auto found = std::find_if(variants.begin(), variants.end(), [&](const ComparedVariant& other) {
    return other.estimate && choices_but_nodes(other.variant) == choices;
  });
  return static_cast<std::size_t>(found - variants.begin());
}

void add_speedups(std::vector<ComparedVariant>& variants) {
  for (ComparedVariant& variant : variants) {
    const auto& choices = variant.variant.choices;
    const bool varies = std::any_of(choices.begin(), choices.end(),
                                    [](const AxisChoice& choice) { return choice.axis == Axis::nodes; });
    if (!varies || !variant.estimate) continue;
    variant.reference = reference_of(variants, variant);
    const ComparedVariant& reference = variants[*variant.reference];
    const double devices = static_cast<double>(variant.variant.job.cluster.devices()) /
                           static_cast<double>(reference.variant.job.cluster.devices());
    variant.speedup = time_per_token(*reference.estimate) / time_per_token(*variant.estimate);
    variant.efficiency = *variant.speedup / devices;
  }
}

/// Variants that fit, the fastest first; equal ones keep their order.
std::vector<std::size_t> candidates(const std::vector<ComparedVariant>& variants) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    if (variants[i].fits()) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return time_per_token(*variants[a].estimate) < time_per_token(*variants[b].estimate);
  });
  return order;
}

/// The cheapest variant that fits; none if one of them has no price, because it might be cheaper.
std::optional<std::size_t> find_cheapest(const std::vector<ComparedVariant>& variants,
                                         const std::vector<std::size_t>& fitting) {
  std::optional<std::size_t> cheapest;
  std::optional<Dollars> least;
  for (const std::size_t i : fitting) {
    const auto cost = cost_per_token(variants[i]);
    if (!cost) return std::nullopt;
    if (least && *cost >= *least) continue;
    least = cost;
    cheapest = i;
  }
  return cheapest;
}

Bytes missing(const ComparedVariant& variant) {
  const MemoryReport& memory = variant.estimate->memory;
  return memory.reserved + memory.context - memory.capacity;
}

std::vector<std::size_t> find_too_large(const std::vector<ComparedVariant>& variants) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    if (variants[i].estimate && !variants[i].fits()) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return missing(variants[a]) < missing(variants[b]); });
  return order;
}

const std::string& cluster_of(const ComparedVariant& variant) { return variant.variant.job.cluster.name; }

/// Sets the break-even price of each variant against the cheapest variant on another cluster. A variant
/// without a price is never the cheapest, but it has a break-even price.
void add_break_even_prices(std::vector<ComparedVariant>& variants, const std::vector<std::size_t>& fitting) {
  for (const std::size_t i : fitting) {
    ComparedVariant& variant = variants[i];
    std::optional<Dollars> least;
    for (const std::size_t other : fitting) {
      const auto cost = cost_per_token(variants[other]);
      const bool is_elsewhere = cluster_of(variants[other]) != cluster_of(variant);
      if (cost && is_elsewhere && (!least || *cost < *least)) least = cost;
    }
    if (!least) continue;
    const auto paid = static_cast<double>(variant.variant.job.cluster.paid_devices());
    variant.break_even = *least / (time_per_token(*variant.estimate) * paid);
  }
}

/// Puts a variant that fits on fewer or on more devices onto the fewest; others stay as they are.
void move_to_fewest_devices(Variant& variant) {
  std::vector<Axis> fixed;
  for (const AxisChoice& choice : variant.choices) fixed.push_back(choice.axis);
  // A variant may be illegal only because its degrees do not fill the job's own devices.
  auto found = fewest_devices(variant.job, fixed);
  if (!found) return;
  variant.job = std::move(found->job);
  variant.illegal.reset();
}

}  // namespace

KernelBand kernel_band(const StepFigures& step) {
  return {.low = step.time * (1.0 - step.spread), .high = step.time * (1.0 + step.spread)};
}

std::vector<Axis> varied_axes(const std::vector<ComparedVariant>& variants) {
  std::vector<Axis> axes;
  if (variants.empty()) return axes;
  const auto& first = variants.front().variant.choices;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const auto differs = [&](const ComparedVariant& other) { return other.variant.choices[i] != first[i]; };
    if (std::any_of(variants.begin(), variants.end(), differs)) axes.push_back(first[i].axis);
  }
  return axes;
}

Seconds time_per_token(const Estimate& estimate) { return estimate.step.time / estimate.step.tokens; }

double days_per_1e12_tokens(const Estimate& estimate) { return 1e12 * (time_per_token(estimate) / kDay); }

std::optional<Dollars> cost_per_token(const ComparedVariant& variant) {
  const ClusterSpec& cluster = variant.variant.job.cluster;
  if (!cluster.price) return std::nullopt;
  return *cluster.price * time_per_token(*variant.estimate) * static_cast<double>(cluster.paid_devices());
}

Comparison rank_variants(std::vector<ComparedVariant> variants) {
  Comparison comparison;
  comparison.variants = std::move(variants);
  add_speedups(comparison.variants);
  const auto& ranked = comparison.variants;
  const std::vector<std::size_t> fitting = candidates(ranked);
  comparison.too_large = find_too_large(ranked);
  if (fitting.empty()) {
    if (!comparison.too_large.empty()) comparison.nearest = comparison.too_large.front();
    return comparison;
  }
  add_break_even_prices(comparison.variants, fitting);
  comparison.best = fitting[0];
  comparison.cheapest = find_cheapest(ranked, fitting);
  if (fitting.size() > 1) {
    comparison.runner_up = fitting[1];
    comparison.ahead = probability_faster(ranked[fitting[0]], ranked[fitting[1]]);
    comparison.tie = *comparison.ahead < kClear;
  }
  return comparison;
}

Comparison compare_variants(const JobSpec& base, const VariantAxes& axes, bool on_fewest_devices) {
  std::vector<ComparedVariant> compared;
  for (Variant& variant : make_variants(base, axes)) {
    if (on_fewest_devices) move_to_fewest_devices(variant);
    compared.push_back(plan(std::move(variant)));
  }
  Comparison comparison = rank_variants(std::move(compared));
  const std::vector<Axis> varied = varied_axes(comparison.variants);
  const std::size_t advised = std::min(kMostAdvised, comparison.too_large.size());
  for (std::size_t i = 0; i < advised; ++i) {
    ComparedVariant& variant = comparison.variants[comparison.too_large[i]];
    variant.advice = advise(variant.variant.job, *variant.estimate, varied);
  }
  return comparison;
}

}  // namespace foreshard
