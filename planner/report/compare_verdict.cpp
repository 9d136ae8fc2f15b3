#include "planner/report/compare_verdict.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "planner/report/compare_labels.hpp"
#include "planner/report/compare_reason.hpp"
#include "planner/report/format.hpp"

namespace foreshard::report {
namespace {

/// More reasons of one kind than this are counted and not told.
constexpr std::size_t kMostTold = 3;

/// Leads below this print as 0.0%.
constexpr double kNoLead = 0.0005;

std::string step_band(const StepFigures& step) {
  const Unit unit = time_unit(step.time);
  const KernelBand band = kernel_band(step);
  return fmt::format("{} – {} {}", in_unit(band.low.value(), unit), in_unit(band.high.value(), unit),
                     unit.name);
}

std::int64_t devices_of(const Comparison& comparison, std::size_t variant) {
  return comparison.variants[variant].variant.job.cluster.devices();
}

/// Between unlike numbers of devices the faster need not be the better, and where each spends its time is no
/// reason.
bool of_like_size(const Comparison& comparison, std::size_t a, std::size_t b) {
  return devices_of(comparison, a) == devices_of(comparison, b);
}

std::string headline(const Comparison& comparison) {
  const auto& variants = comparison.variants;
  const std::string best = label(comparison, *comparison.best);
  if (!comparison.runner_up) {
    if (variants.size() == 1) return fmt::format("{} fits; there is nothing to compare it with.", best);
    return fmt::format("Best: {}, the only one of {} that fits.", best, variants.size());
  }
  const Estimate& winner = *variants[*comparison.best].estimate;
  const Estimate& second = *variants[*comparison.runner_up].estimate;
  const std::string next = label(comparison, *comparison.runner_up);
  const double lead = time_per_token(second) / time_per_token(winner) - 1.0;
  if (lead < kNoLead) return fmt::format("Tie: {} and {} take the same time.", best, next);
  const bool is_fair = of_like_size(comparison, *comparison.best, *comparison.runner_up);
  if (!comparison.tie)
    return fmt::format("{}: {}, by {} over {}.", is_fair ? "Best" : "Fastest", best, percent(lead), next);
  return fmt::format(
      "Tie: {} leads {} by {}, but their error bands overlap ({} and {}); calibrate to tell them apart.",
      best, next, percent(lead), step_band(winner.step), step_band(second.step));
}

std::string nothing_fits(const Comparison& comparison) {
  const std::size_t number = comparison.variants.size();
  if (!comparison.nearest) {
    return number == 1 ? std::string("It cannot run as written.")
                       : fmt::format("None of the {} variants can run.", number);
  }
  const MemoryReport& memory = comparison.variants[*comparison.nearest].estimate->memory;
  const Bytes missing = memory.reserved + memory.context - memory.capacity;
  return fmt::format("Nothing fits. Nearest: {}, which lacks {}.", label(comparison, *comparison.nearest),
                     with_unit(missing));
}

std::string cheapest_words(const Comparison& comparison) {
  const auto dollars = [&](std::size_t variant) {
    return fixed(1e12 * cost_per_token(comparison.variants[variant])->value(), 0);
  };
  return fmt::format("Cheapest: {}, {} USD per 1e12 tokens against {}.",
                     label(comparison, *comparison.cheapest), dollars(*comparison.cheapest),
                     dollars(*comparison.best));
}

/// How the winner, or the last of the variants, scales from the first of its kind.
std::string scaling_words(const Comparison& comparison) {
  const std::size_t to = comparison.best.value_or(comparison.variants.size() - 1);
  const ComparedVariant& scaled = comparison.variants[to];
  if (!scaled.reference || *scaled.reference == to) return {};
  std::string text = fmt::format("{} run {}× as fast as {}: {} efficiency.", label(comparison, to),
                                 significant(*scaled.speedup), label(comparison, *scaled.reference),
                                 percent(*scaled.efficiency));
  const std::string cause = what_grows(comparison, *scaled.reference, to);
  return cause.empty() ? text : text + " " + cause;
}

/// The nearest to fitting first: what is far from it nobody asks about.
void tell_what_does_not_fit(const Comparison& comparison, std::vector<std::string>& told) {
  const auto missing = [&](std::size_t variant) {
    const MemoryReport& memory = comparison.variants[variant].estimate->memory;
    return memory.reserved + memory.context - memory.capacity;
  };
  std::vector<std::size_t> too_large;
  for (std::size_t i = 0; i < comparison.variants.size(); ++i) {
    if (comparison.variants[i].estimate && !comparison.variants[i].fits()) too_large.push_back(i);
  }
  std::stable_sort(too_large.begin(), too_large.end(),
                   [&](std::size_t a, std::size_t b) { return missing(a) < missing(b); });
  const std::size_t number = std::min(too_large.size(), kMostTold);
  for (std::size_t i = 0; i < number; ++i) told.push_back(why_too_large(comparison, too_large[i]));
  if (too_large.size() > number)
    told.push_back(fmt::format("{} more do not fit.", too_large.size() - number));
}

}  // namespace

std::vector<std::string> compare_verdict(const Comparison& comparison) {
  std::vector<std::string> told;
  const auto tell = [&](std::string text) {
    if (!text.empty()) told.push_back(std::move(text));
  };
  if (comparison.best) {
    tell(headline(comparison));
    if (comparison.runner_up && of_like_size(comparison, *comparison.runner_up, *comparison.best))
      tell(why_slower(comparison, *comparison.runner_up, *comparison.best));
    if (comparison.cheapest && *comparison.cheapest != *comparison.best) tell(cheapest_words(comparison));
  } else {
    tell(nothing_fits(comparison));
  }
  tell(scaling_words(comparison));
  tell_what_does_not_fit(comparison, told);
  return told;
}

}  // namespace foreshard::report
