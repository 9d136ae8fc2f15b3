#include "planner/report/explain/explain_table.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "planner/report/explain/part_words.hpp"
#include "planner/report/explain/sentences.hpp"
#include "planner/report/format.hpp"
#include "planner/report/plan_sections.hpp"
#include "planner/report/simulation_sections.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard {
namespace {

using namespace report;

/// "−0.52", "0.00", "+0.31"
std::string signed_fixed(double value, int decimals) {
  const std::string text = fixed(value < 0.0 ? -value : value, decimals);
  const bool is_zero = text.find_first_not_of("0.") == std::string::npos;
  return is_zero ? text : (value < 0.0 ? "−" : "+") + text;
}

/// The figures of a lever that can be moved: seconds, percent, dollars per billion tokens, dollars per device-hour.
std::vector<std::string> figures_of(const LeverWorth& lever, const ExplainedJob& explained,
                                    const Unit& unit) {
  const HardwareWorth& worth = explained.why.worth;
  const Seconds after = lever.plan ? lever.plan->step : lever.step;
  std::vector<std::string> cells{signed_fixed(lever.change.value() / unit.size, unit.decimals + 1),
                                 signed_fixed(100.0 * (lever.change / (after - lever.change)), 1)};
  if (!worth.dollars_per_token) return {cells[0], cells[1], "–", "–"};
  const double whole = *worth.dollars_per_token * 1e9;
  const double per_hour = explained.planned.job.cluster.price->value() * kHour.value();
  cells.push_back(signed_fixed(*lever.dollars_per_token * 1e9, whole < 100.0 ? 2 : whole < 1000.0 ? 1 : 0));
  cells.push_back(signed_fixed(lever.worth_of_price * per_hour, 2));
  return cells;
}

std::size_t width_of(const Lines& lines) {
  std::size_t width = 0;
  for (const std::string& line : lines) width = std::max(width, display_width(line));
  return width;
}

Lines waterfall_table(const ExplainedJob& explained, bool has_words) {
  const Waterfall& waterfall = explained.why.waterfall;
  const Unit unit = time_unit(waterfall.step);
  std::vector<Column> columns{{"from ideal to step", Align::left}, {unit.name}, {"%"}};
  if (has_words) columns.push_back({"what it is", Align::left});
  columns.push_back({"what limits it", Align::left});
  Table table(columns);
  const auto row = [&](std::string name, Seconds time, std::string what, std::string limits) {
    std::vector<std::string> cells{std::move(name), in_unit(time.value(), unit),
                                   fixed(100.0 * (time / waterfall.step), 1)};
    if (has_words) cells.push_back(std::move(what));
    cells.push_back(std::move(limits));
    table.row(std::move(cells));
  };
  for (const WaterfallPart& part : waterfall.parts) {
    const bool is_ideal = part.part == StepPart::ideal;
    const bool is_less = part.time < Seconds();
    const Seconds size = is_less ? -part.time : part.time;
    if (!is_ideal && size < 0.0005 * waterfall.step) continue;  // would print as 0.0
    const std::string_view sign = is_ideal ? " " : is_less ? "−" : "+";
    row(fmt::format("  {} {}", sign, part_name(part.part)), size, part_words(part.part, explained.planned),
        bound_words(part));
  }
  row("  = step", waterfall.step, "", "");
  return table.lines();
}

/// On a narrow page without what the parts are.
Lines waterfall_lines(const ExplainedJob& explained) {
  const Lines whole = waterfall_table(explained, true);
  return width_of(whole) + kIndent <= PageWidth::columns() ? whole : waterfall_table(explained, false);
}

/// " tp=4 dp=4"
std::string short_settings(const NearPlan& plan) {
  std::string text;
  for (const Setting& setting : plan.settings)
    text += fmt::format(" {}={}", setting.key.substr(setting.key.rfind('.') + 1), setting.value);
  return text;
}

/// The plan that a lever allows, or why it is worth nothing; empty if there is nothing to say.
std::string remark_of(const LeverWorth& lever, const HardwareWorth& worth, const ClusterSpec& cluster) {
  if (!lever.applies) {
    if (lever.lever == Lever::network_bandwidth) return "one node has no network";
    if (lever.lever == Lever::node_bandwidth) return "there are no links between a node's devices";
    return cluster.nodes == 1 ? "there is one node" : "the nodes are odd in number, or have no links inside";
  }
  if (lever.makes_it_fit) return "the plan fits with it";
  if (!lever.plan) return lever.lever == Lever::memory_size ? "no faster plan near this one needs it" : "";
  const std::string before =
      worth.better ? fmt::format("{} with{}", with_unit(worth.better->step), short_settings(*worth.better))
                   : with_unit(worth.step);
  return fmt::format("allows{}, {} per step; without it the best plan near this one takes {}",
                     short_settings(*lever.plan), with_unit(lever.plan->step), before);
}

Lines worth_lines(const ExplainedJob& explained) {
  const HardwareWorth& worth = explained.why.worth;
  const JobSpec& job = explained.planned.job;
  const Unit unit = time_unit(worth.step);
  Table table({{"what 10% more is worth", Align::left},
               {"step, " + unit.name},
               {"%"},
               {"USD/1e9 tokens"},
               {fmt::format("USD/h per {}", device_word(job))}});
  std::vector<std::string> remarks;
  for (const LeverWorth& lever : worth.levers) {
    std::vector<std::string> cells =
        lever.applies ? figures_of(lever, explained, unit) : std::vector<std::string>(4, "–");
    cells.insert(cells.begin(), fmt::format("  {}", lever_name(lever.lever)));
    table.row(std::move(cells));
    if (const std::string remark = remark_of(lever, worth, job.cluster); !remark.empty())
      remarks.push_back(fmt::format("{}: {}", lever_name(lever.lever), remark));
  }
  Lines lines = table.lines();
  for (const std::string& remark : remarks) {
    for (std::string& line : wrapped(remark, kIndent, 2 * kIndent, PageWidth::columns() - kIndent))
      lines.push_back(std::move(line));
  }
  return lines;
}

Lines sentence_lines(const ExplainedJob& explained) {
  Lines lines;
  int number = 0;
  for (const CheckedSentence& sentence : explain_sentences(explained)) {
    ++number;
    for (std::string& line : wrapped(fmt::format("{}. {}", number, sentence.text), kIndent, kIndent + 4))
      lines.push_back(std::move(line));
    // A command is one line, however long, so that it can be copied.
    lines.push_back(std::string(kIndent + 4, ' ') + "$ " + sentence.command);
  }
  return lines;
}

}  // namespace

std::string explain_table(const ExplainedJob& explained) {
  std::string text;
  const auto block = [&](const Lines& lines, std::size_t indent) {
    if (lines.empty()) return;
    if (!text.empty()) text += '\n';
    for (const std::string& line : lines) text += std::string(line.empty() ? 0 : indent, ' ') + line + '\n';
  };
  block(job_lines(explained.planned), 0);
  block(verdict_lines(explained.planned), 0);
  block(waterfall_lines(explained), kIndent);
  SimulatedStep simulated;
  simulated.time = explained.path_time;
  simulated.path = explained.path;
  block(path_lines(simulated), kIndent);
  block(worth_lines(explained), kIndent);
  block(sentence_lines(explained), 0);
  return text;
}

}  // namespace foreshard
