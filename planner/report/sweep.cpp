#include "planner/report/sweep.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "planner/report/field_json.hpp"
#include "planner/report/format.hpp"
#include "planner/report/table.hpp"

namespace foreshard {

namespace {

template <class Time>
std::vector<const SweepEntry*> ordered(const std::vector<SweepEntry>& entries, Time time) {
  std::vector<const SweepEntry*> order;
  for (const SweepEntry& entry : entries) {
    if (entry.validation) order.push_back(&entry);
  }
  std::stable_sort(order.begin(), order.end(), [&](const SweepEntry* a, const SweepEntry* b) {
    return time(*a->validation) < time(*b->validation);
  });
  return order;
}

std::string names(const std::vector<const SweepEntry*>& order) {
  std::vector<std::string> words;
  for (const SweepEntry* entry : order) words.push_back(fmt::format("tp {}", entry->job.parallelism.tp));
  return fmt::format("{}", fmt::join(words, ", "));
}

/// Neighbours in the measured order whose difference drowns in their spreads.
bool has_tie(const std::vector<const SweepEntry*>& measured) {
  for (std::size_t i = 1; i < measured.size(); ++i) {
    const PredictedAndMeasured& a = measured[i - 1]->validation->step;
    const PredictedAndMeasured& b = measured[i]->validation->step;
    if (b.measured - a.measured < a.spread + b.spread) return true;
  }
  return false;
}

std::string verdict(const Sweep& sweep) {
  const auto predicted = sweep.by_prediction();
  const auto measured = sweep.by_measurement();
  if (measured.size() < 2) return "Fewer than two variants ran: there is no order.";
  if (sweep.same_order()) return fmt::format("The predicted order is the measured one: {}.", names(measured));
  std::string words =
      fmt::format("The predicted order is {}; measured it is {}.", names(predicted), names(measured));
  if (has_tie(measured)) words += " Some differ by less than their spread: a tie.";
  return words;
}

}  // namespace

std::vector<const SweepEntry*> Sweep::by_prediction() const {
  return ordered(entries, [](const Validation& validation) { return validation.step.predicted; });
}

std::vector<const SweepEntry*> Sweep::by_measurement() const {
  return ordered(entries, [](const Validation& validation) { return validation.step.measured; });
}

bool Sweep::passed() const {
  return same_order() && std::all_of(entries.begin(), entries.end(), [](const SweepEntry& entry) {
           return !entry.validation || entry.validation->passed();
         });
}

std::string sweep_table(const JobSpec& job, const Sweep& sweep) {
  report::Table table({{"tp", report::Align::right},
                       {"pp × dp"},
                       {"predicted"},
                       {"measured"},
                       {"error"},
                       {"", report::Align::left}});
  std::string machine;
  for (const SweepEntry& entry : sweep.entries) {
    const ParallelismSpec& p = entry.job.parallelism;
    const std::string tp = std::to_string(p.tp);
    if (!entry.validation) {
      table.row({tp, "–", "–", "–", "–", entry.why_not});
      continue;
    }
    const PredictedAndMeasured& step = entry.validation->step;
    machine = entry.validation->machine;
    table.row({tp, fmt::format("{} × {}", p.pp, p.dp), report::with_unit(step.predicted),
               fmt::format("{} ± {}", report::with_unit(step.measured), report::with_unit(step.spread)),
               report::signed_percent(step.error().value_or(0.0)), entry.validation->passed() ? "" : "✗"});
  }
  std::string text = fmt::format("{}: {} on {}\n\n", job.name, job.model.name, machine);
  for (const std::string& line : table.lines()) text += "  " + line + '\n';
  for (const std::string& line : report::wrapped(verdict(sweep), 2, 2))
    text += (text.ends_with("\n\n") ? "" : "\n") + line + '\n';
  return text;
}

std::string sweep_json(const JobSpec& job, const Sweep& sweep) {
  report::Json json = report::Json::object();
  json["job"] = job.name;
  json["variants"] = report::Json::array();
  for (const SweepEntry& entry : sweep.entries) {
    if (entry.validation) {
      json["variants"].push_back(report::Json::parse(validation_json(entry.job, *entry.validation)));
    } else {
      const ParallelismSpec& p = entry.job.parallelism;
      json["variants"].push_back({{"tp", p.tp}, {"pp", p.pp}, {"dp", p.dp}, {"why_not", entry.why_not}});
    }
  }
  json["same_order"] = sweep.same_order();
  return report::printed(json);
}

}  // namespace foreshard
