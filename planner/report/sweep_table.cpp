#include "planner/report/sweep_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "planner/report/format.hpp"
#include "planner/report/table.hpp"

namespace foreshard {

namespace {

std::string names(const std::vector<const SweepEntry*>& order) {
  std::vector<std::string> words;
  for (const SweepEntry* entry : order) words.push_back(fmt::format("tp {}", entry->job.parallelism.tp));
  return fmt::format("{}", fmt::join(words, ", "));
}

/// True if two neighbours in the measured order differ by less than their spreads.
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

}  // namespace foreshard
