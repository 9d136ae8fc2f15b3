#include "planner/report/simulation_sections.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/table.hpp"

namespace foreshard::report {
namespace {

/// The stages that get a row; if there are many, the first, the last and evenly spaced ones between.
std::vector<std::size_t> shown_stages(std::size_t stages) {
  constexpr std::size_t kMost = 8;
  std::vector<std::size_t> shown;
  const std::size_t rows = std::min(stages, kMost);
  for (std::size_t i = 0; i < rows; ++i) shown.push_back(rows == 1 ? 0 : i * (stages - 1) / (rows - 1));
  return shown;
}

Seconds time_in_kernels(const SimulatedRank& rank) { return rank.compute + rank.optimizer; }

Seconds exposed_time(const SimulatedRank& rank) {
  return std::accumulate(rank.exposed.begin(), rank.exposed.end(), Seconds());
}

/// The ranks by time of their kernels, the longest first; equal ones by number.
std::vector<std::size_t> by_kernels(const std::vector<SimulatedRank>& ranks) {
  std::vector<std::size_t> order(ranks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return time_in_kernels(ranks[a]) > time_in_kernels(ranks[b]);
  });
  return order;
}

/// The links of one direction between two kinds of devices or switches; the busiest link is printed for all.
struct LinkKind {
  SimulatedLink busiest;
  std::int64_t links = 0;
  double busy = 0.0;  // sum
};

std::vector<LinkKind> kinds_of(const std::vector<SimulatedLink>& links) {
  std::vector<LinkKind> kinds;
  for (const SimulatedLink& link : links) {
    auto known = std::find_if(kinds.begin(), kinds.end(), [&](const LinkKind& kind) {
      return kind.busiest.link.from.kind == link.link.from.kind &&
             kind.busiest.link.to.kind == link.link.to.kind;
    });
    if (known == kinds.end()) known = kinds.insert(kinds.end(), LinkKind{.busiest = link});
    known->links += link.alike;
    known->busy += link.busy * static_cast<double>(link.alike);
  }
  return kinds;
}

}  // namespace

std::vector<std::string> stage_lines(const SimulatedStep& step) {
  std::vector<Column> columns{
      {"stage", Align::left}, {"compute"}, {"exposed: tp"}, {"pp"}, {"dp"}, {"cp, ep"}};
  const bool offloads = std::any_of(step.ranks.begin(), step.ranks.end(), [](const SimulatedRank& rank) {
    return rank.exposed[static_cast<std::size_t>(CommAxis::offload)] > Seconds();
  });
  if (offloads) columns.push_back({"offload"});
  for (const char* const title : {"optimizer", "host", "bubble", "memory, GiB"}) columns.push_back({title});
  Table table(std::move(columns));
  for (const std::size_t s : shown_stages(step.ranks.size())) {
    const SimulatedRank& stage = step.ranks[s];
    const auto exposed = [&](CommAxis axis) { return stage.exposed[static_cast<std::size_t>(axis)]; };
    const auto of_step = [&](Seconds part) { return percent(part / step.time); };
    std::vector<std::string> cells{std::to_string(s),
                                   of_step(stage.compute),
                                   of_step(exposed(CommAxis::tp)),
                                   of_step(exposed(CommAxis::pp)),
                                   of_step(exposed(CommAxis::dp)),
                                   of_step(exposed(CommAxis::cp) + exposed(CommAxis::ep))};
    if (offloads) cells.push_back(of_step(exposed(CommAxis::offload)));
    for (const Seconds part : {stage.optimizer, stage.host, stage.bubble}) cells.push_back(of_step(part));
    cells.push_back(fixed(stage.peak.as_double() / kGibi, 1));
    table.row(std::move(cells));
  }
  return table.lines();
}

std::vector<std::string> rank_lines(const SimulatedStep& step) {
  constexpr std::size_t kEnds = 3;
  const auto of_step = [&](Seconds part) { return percent(part / step.time); };
  Table table({{"rank", Align::left},
               {"stage"},
               {"slowed by"},
               {"kernels"},
               {"comm. exposed"},
               {"host"},
               {"waits for others"}});
  const std::vector<std::size_t> order = by_kernels(step.ranks);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool is_middle = i == order.size() / 2;
    if (i >= kEnds && i + kEnds < order.size() && !is_middle) continue;
    const SimulatedRank& rank = step.ranks[order[i]];
    table.row({grouped(static_cast<std::int64_t>(order[i])), std::to_string(rank.stage.value()),
               fmt::format("{:.3f}", rank.slowed_by), of_step(time_in_kernels(rank)),
               of_step(exposed_time(rank)), of_step(rank.host), of_step(rank.bubble)});
  }
  return table.lines();
}

std::vector<std::string> path_lines(const SimulatedStep& step) {
  if (step.path.empty()) return {};
  constexpr std::size_t kMost = 10;
  const Unit unit = time_unit(step.time);
  Table table({{"critical path", Align::left},
               {"", Align::left},
               {"", Align::left},
               {"operations"},
               {unit.name},
               {"%"}});
  Seconds rest = step.time;
  for (std::size_t i = 0; i < std::min(kMost, step.path.size()); ++i) {
    const PathPart& part = step.path[i];
    rest -= part.time;
    table.row({std::string(to_string(part.component)), part.kind, std::string(to_string(part.phase)),
               grouped(part.operations), in_unit(part.time.value(), unit),
               fixed(100.0 * (part.time / step.time), 1)});
  }
  // If the path has no more parts, the rest may be slightly negative due to rounding.
  rest = std::max(rest, Seconds());
  table.row({"the rest", "", "", "", in_unit(rest.value(), unit), fixed(100.0 * (rest / step.time), 1)});
  return table.lines();
}

std::vector<std::string> disturbed_lines(const SimulatedStep& step) {
  if (!step.undisturbed) return {};
  std::string words =
      fmt::format("With nothing in its way the step would take {}; this makes it {:.3f} times as long.",
                  with_unit(*step.undisturbed), step.time / *step.undisturbed);
  if (step.drawn) {
    words += fmt::format(
        " Of {} draws half take {} or less, and nine in ten between {} and {}; shown is the median, seed {}.",
        step.drawn->draws, with_unit(step.drawn->median), with_unit(step.drawn->fifth),
        with_unit(step.drawn->ninety_fifth), step.seed);
  }
  if (step.beside) {
    words +=
        fmt::format(" Beside it on the fabric, a step of {} takes {}, {:.3f} times as long as alone.",
                    step.beside->name, with_unit(step.beside->step), step.beside->step / step.beside->alone);
  }
  return wrapped(words, 0, 0);
}

std::vector<std::string> link_lines(const SimulatedStep& step) {
  if (step.links.empty()) return {};
  Table table({{"busiest link of its kind", Align::left},
               {"carries"},
               {"busy"},
               {"all such links", Align::right},
               {"busy on average"}});
  for (const LinkKind& kind : kinds_of(step.links)) {
    const Bytes bytes(static_cast<std::int64_t>(kind.busiest.bytes));
    table.row({kind.busiest.name, with_unit(bytes), percent(kind.busiest.busy), grouped(kind.links),
               percent(kind.busy / static_cast<double>(kind.links))});
  }
  return table.lines();
}

std::vector<std::string> training_lines(const SimulatedJob& done) {
  if (!done.trainings) return {};
  const PlayedTrainings& played = *done.trainings;
  const std::optional<FailureFigures>& closed_form = done.planned.estimate.training.failures;
  std::string words =
      fmt::format("{} trainings played failure by failure: {} ± {} of the time goes into steps that count",
                  grouped(played.runs), percent(played.goodput), percent(played.standard_error));
  if (closed_form) words += fmt::format(" (the closed form says {})", percent(closed_form->goodput));
  words += fmt::format("; nine in ten take between {} and {}.", as_calendar_time(played.fifth),
                       as_calendar_time(played.ninety_fifth));
  return wrapped(words, 0, 0);
}

}  // namespace foreshard::report
