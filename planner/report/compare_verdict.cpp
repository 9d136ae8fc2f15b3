#include "planner/report/compare_verdict.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "planner/report/compare_labels.hpp"
#include "planner/report/compare_reason.hpp"
#include "planner/report/format.hpp"
#include "planner/report/words.hpp"
#include "planner/spec/job/job_notes.hpp"

namespace foreshard::report {
namespace {

/// Leads below this print as 0.0%.
constexpr double kNoLead = 0.0005;

/// "in 9 of 10", for a probability from 0.5 to 1. At most 95 of 100, because measured runs do not support
/// more (docs/comparing.md).
std::string how_often(double probability) {
  if (probability >= 0.95) return "in more than 95 of 100";
  return fmt::format("in {:.0f} of 10", 10.0 * probability);
}

std::int64_t devices_of(const Comparison& comparison, std::size_t variant) {
  return comparison.variants[variant].variant.job.cluster.devices();
}

/// True if two variants have the same number of devices. Otherwise the faster one need not be the better one,
/// and the difference of their breakdowns explains nothing.
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
  const std::string often = how_often(comparison.ahead.value_or(0.5));
  if (comparison.tie) {
    return fmt::format("Close: {} leads {} by {}, but with the kernels' error is ahead only {}.", best, next,
                       percent(lead), often);
  }
  const bool is_fair = of_like_size(comparison, *comparison.best, *comparison.runner_up);
  return fmt::format("{}: {}, by {} over {}; with the kernels' error it is ahead {}.",
                     is_fair ? "Best" : "Fastest", best, percent(lead), next, often);
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

std::string per_hour(DollarsPerSecond price) { return fixed(price.value() * kHour.value(), 2); }

std::string dollars_words(const Comparison& comparison, std::size_t variant) {
  return fixed(1e12 * cost_per_token(comparison.variants[variant])->value(), 0);
}

std::string cheapest_words(const Comparison& comparison) {
  return fmt::format("Cheapest: {}, {} USD per 1e12 tokens against {}.",
                     label(comparison, *comparison.cheapest), dollars_words(comparison, *comparison.cheapest),
                     dollars_words(comparison, *comparison.best));
}

const ClusterSpec& cluster_of(const Comparison& comparison, std::size_t variant) {
  return comparison.variants[variant].variant.job.cluster;
}

/// Adds one sentence per cluster about its fastest variant: the price at which it is as cheap as the others.
void tell_prices(const Comparison& comparison, std::vector<std::string>& told) {
  std::vector<std::size_t> fastest;  // of each cluster
  for (std::size_t i = 0; i < comparison.variants.size(); ++i) {
    if (!comparison.variants[i].fits()) continue;
    const auto same = std::find_if(fastest.begin(), fastest.end(), [&](std::size_t other) {
      return cluster_of(comparison, other).name == cluster_of(comparison, i).name;
    });
    if (same == fastest.end()) {
      fastest.push_back(i);
    } else if (time_per_token(*comparison.variants[i].estimate) <
               time_per_token(*comparison.variants[*same].estimate)) {
      *same = i;
    }
  }
  if (fastest.size() < 2) return;
  for (const std::size_t i : fastest) {
    const ClusterSpec& cluster = cluster_of(comparison, i);
    const auto& even = comparison.variants[i].break_even;
    const std::string unit = "USD/h per " + device_word(comparison.variants[i].variant.job);
    const std::string price =
        cluster.price ? fmt::format("{} {}", per_hour(*cluster.price), unit) : "no price is known";
    std::string text = fmt::format("{}: {}", cluster.name, price);
    if (even) {
      text += fmt::format("; at {} {} its total equals that of the cheapest other cluster", per_hour(*even),
                          unit);
    }
    if (!cluster.price) text += fmt::format(" (--price {}=… says it)", cluster.name);
    if (even || !cluster.price) told.push_back(text + ".");
  }
}

/// Says of each accelerator, once, how much of it nobody measured.
void tell_confidence(const Comparison& comparison, std::vector<std::string>& told) {
  std::set<std::string> notes;
  for (const ComparedVariant& variant : comparison.variants) {
    std::optional<std::string> note = note_on_confidence(variant.variant.job);
    if (!note || !notes.insert(*note).second) continue;
    note->front() = static_cast<char>(std::toupper(static_cast<unsigned char>(note->front())));
    told.push_back(*note + ".");
  }
}

/// How the winner (or the last variant) scales from its reference, the first variant that differs only in
/// nodes.
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

/// Explains why variants do not fit. Starts with those that lack least memory, which are the most interesting
/// ones.
void tell_what_does_not_fit(const Comparison& comparison, std::vector<std::string>& told) {
  const std::size_t number = std::min(comparison.too_large.size(), kMostAdvised);
  for (std::size_t i = 0; i < number; ++i) told.push_back(why_too_large(comparison, comparison.too_large[i]));
  const std::size_t more = comparison.too_large.size() - number;
  if (more > 0) told.push_back(fmt::format("{} more {} not fit.", more, more == 1 ? "does" : "do"));
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
  if (is_varied(comparison, Axis::cluster)) tell_prices(comparison, told);
  tell(scaling_words(comparison));
  tell_confidence(comparison, told);
  tell_what_does_not_fit(comparison, told);
  return told;
}

}  // namespace foreshard::report
