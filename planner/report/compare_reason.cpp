#include "planner/report/compare_reason.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "planner/report/advice_words.hpp"
#include "planner/report/compare_labels.hpp"
#include "planner/report/format.hpp"
#include "planner/report/plan_sections.hpp"
#include "planner/report/words.hpp"

namespace foreshard::report {
namespace {

/// Smaller differences are not mentioned: percentages are printed with one decimal.
constexpr double kNotWorthAWord = 0.0005;

struct Cause {
  Seconds StepBreakdown::*part;
  std::optional<CommAxis> axis;
};
constexpr std::array<Cause, 10> kCauses{{{&StepBreakdown::compute, std::nullopt},
                                         {&StepBreakdown::tp_exposed, CommAxis::tp},
                                         {&StepBreakdown::pp_exposed, CommAxis::pp},
                                         {&StepBreakdown::dp_exposed, CommAxis::dp},
                                         {&StepBreakdown::cp_exposed, CommAxis::cp},
                                         {&StepBreakdown::ep_exposed, CommAxis::ep},
                                         {&StepBreakdown::offload_exposed, CommAxis::offload},
                                         {&StepBreakdown::bubble, std::nullopt},
                                         {&StepBreakdown::optimizer, std::nullopt},
                                         {&StepBreakdown::overhead, std::nullopt}}};

std::string traffic_words(const JobSpec& job, CommAxis axis) {
  switch (axis) {
    case CommAxis::tp:
      return job.parallelism.sequence_parallel ? "tp all-gathers and reduce-scatters" : "tp all-reduces";
    case CommAxis::pp: return "pipeline transfers";
    case CommAxis::dp:
      return job.parallelism.zero > 0 ? "dp reduce-scatters and all-gathers" : "dp all-reduces";
    case CommAxis::cp: return "the exchange of keys and values";
    case CommAxis::ep: return "the exchange between experts";
    case CommAxis::offload: return "copies and the CPU's work";
  }
  return "";
}

std::string cause_words(const Cause& cause, const JobSpec& job) {
  if (cause.axis)
    return fmt::format("{} over {}", traffic_words(job, *cause.axis), link_of(job, *cause.axis));
  if (cause.part == &StepBreakdown::compute) return "compute";
  if (cause.part == &StepBreakdown::bubble) return "the pipeline bubble";
  if (cause.part == &StepBreakdown::optimizer) return "the optimizer";
  return "the host and the rest";
}

double share_of_step(const Cause& cause, const Estimate& estimate) {
  return estimate.step.breakdown.*cause.part / estimate.step.time;
}

/// The additional time per token due to a cause, as a fraction of the time per token of `faster`.
double loss(const Cause& cause, const Estimate& slower, const Estimate& faster) {
  const Seconds more = slower.step.breakdown.*cause.part / slower.step.tokens -
                       faster.step.breakdown.*cause.part / faster.step.tokens;
  return more / time_per_token(faster);
}

template <class Key>
const Cause& largest_by(Key key) {
  return *std::max_element(kCauses.begin(), kCauses.end(),
                           [&](const Cause& a, const Cause& b) { return key(a) < key(b); });
}

/// Describes what takes the memory of the worst stage: weights, gradients and optimizer state if these alone
/// do not fit; else these, and activations and buffers.
std::string main_tenant(const MemoryReport& memory) {
  if (memory.worst_stage >= memory.stages.size()) return {};
  const StageMemory& worst = memory.stages[memory.worst_stage];
  const Bytes state = worst.weights + worst.gradients + worst.optimizer;
  if (state + memory.context > memory.capacity)
    return fmt::format("; weights, gradients and optimizer state alone are {}", with_unit(state));
  return fmt::format("; weights, gradients and optimizer state are {}, activations and buffers {}",
                     with_unit(state), with_unit(worst.activations + worst.buffers));
}

}  // namespace

std::string why_slower(const Comparison& comparison, std::size_t slower, std::size_t faster) {
  const ComparedVariant& loser = comparison.variants[slower];
  const ComparedVariant& winner = comparison.variants[faster];
  const auto lost = [&](const Cause& cause) { return loss(cause, *loser.estimate, *winner.estimate); };
  const Cause& worst = largest_by(lost);
  const Cause& best = largest_by([&](const Cause& cause) { return -lost(cause); });
  if (lost(worst) < kNotWorthAWord) return {};
  std::string text = fmt::format("{} loses {} to {} ({} of its step, {} at {})", label(comparison, slower),
                                 percent(lost(worst)), cause_words(worst, loser.variant.job),
                                 percent(share_of_step(worst, *loser.estimate)),
                                 percent(share_of_step(worst, *winner.estimate)), label(comparison, faster));
  if (-lost(best) >= kNotWorthAWord) {
    text +=
        fmt::format(" and wins back {} in {}", percent(-lost(best)), cause_words(best, winner.variant.job));
  }
  return text + ".";
}

std::string what_grows(const Comparison& comparison, std::size_t from, std::size_t to) {
  const ComparedVariant& before = comparison.variants[from];
  const ComparedVariant& after = comparison.variants[to];
  const auto growth = [&](const Cause& cause) {
    return share_of_step(cause, *after.estimate) - share_of_step(cause, *before.estimate);
  };
  const Cause& worst = largest_by(growth);
  if (growth(worst) < kNotWorthAWord) return {};
  return fmt::format("What grows most is {}: from {} of the step to {}.",
                     cause_words(worst, after.variant.job), percent(share_of_step(worst, *before.estimate)),
                     percent(share_of_step(worst, *after.estimate)));
}

std::string why_too_large(const Comparison& comparison, std::size_t variant) {
  const ComparedVariant& compared = comparison.variants[variant];
  const JobSpec& job = compared.variant.job;
  const MemoryReport& memory = compared.estimate->memory;
  const Unit unit = byte_unit(memory.capacity);
  const std::string text = fmt::format("{} does not fit: {} of {} {} per {}{}.", label(comparison, variant),
                                       in_unit((memory.reserved + memory.context).as_double(), unit),
                                       in_unit(memory.capacity.as_double(), unit), unit.name,
                                       device_word(job), main_tenant(memory));
  const std::string remedy = remedy_sentence(job, compared.advice);
  return remedy.empty() ? text : text + " " + remedy;
}

}  // namespace foreshard::report
