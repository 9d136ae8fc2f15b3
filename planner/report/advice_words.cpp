#include "planner/report/advice_words.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard::report {
namespace {

/// A placeholder for the space between an option and its value, so that wrapping keeps both on one line. It
/// occurs in no other text.
constexpr char kNoBreak = '\x01';

/// "--set parallelism.zero=1 --set training.recompute=full", with kNoBreak for spaces that must not break.
std::string as_options(const std::vector<Setting>& settings) {
  std::string text;
  for (const Setting& setting : settings)
    text += fmt::format("{}--set{}{}={}", text.empty() ? "" : " ", kNoBreak, setting.key, setting.value);
  return text;
}

std::string step_words(const Remedy& remedy) {
  return fmt::format("step {} ({})", with_unit(remedy.step), signed_percent(remedy.slowdown));
}

std::string introduction(const PlannedJob& planned) {
  const auto& [job, estimate, advice] = planned;
  const std::string here = devices(job, job.cluster.devices());
  const std::string tried = counted(advice.plans, "change");
  if (advice.remedies.empty()) {
    return fmt::format("No change that was planned makes it fit, on {} or on more nodes of them ({} tried).",
                       here, tried);
  }
  if (advice.needs_more_devices(job)) {
    return fmt::format("No change that was planned makes it fit on {} ({} tried). On {} it would fit:", here,
                       tried, devices(job, advice.remedies.front().job.cluster.devices()));
  }
  return advice.remedies.size() == 1
             ? "It would fit with this change:"
             : "It would fit with any of these changes, in the order in which one tries them:";
}

}  // namespace

std::vector<std::string> advice_lines(const PlannedJob& planned) {
  std::vector<std::string> lines = wrapped(introduction(planned), kIndent, kIndent);
  const Bytes capacity = planned.estimate.memory.capacity;
  const Unit unit = byte_unit(capacity);
  for (const Remedy& remedy : planned.advice.remedies) {
    const std::string text = fmt::format("{} of {} {}, {}: {}", in_unit(remedy.needed.as_double(), unit),
                                         in_unit(capacity.as_double(), unit), unit.name, step_words(remedy),
                                         as_options(remedy.settings));
    for (std::string& line : wrapped(text, 2 * kIndent, 4 * kIndent)) {
      std::replace(line.begin(), line.end(), kNoBreak, ' ');
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

std::string remedy_sentence(const JobSpec& job, const Advice& advice) {
  if (advice.remedies.empty()) return {};
  const Remedy& remedy = advice.remedies.front();
  std::string text;
  for (const Setting& setting : remedy.settings)
    text += fmt::format("{}{}={}", text.empty() ? "" : " and ", setting.key, setting.value);
  const std::string where =
      advice.needs_more_devices(job) ? " on " + devices(job, remedy.job.cluster.devices()) : "";
  return fmt::format("With {} it would fit{}: {}, {}.", text, where, with_unit(remedy.needed),
                     step_words(remedy));
}

}  // namespace foreshard::report
