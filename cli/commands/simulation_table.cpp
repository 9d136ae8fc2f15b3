#include "cli/commands/simulation_table.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "cli/commands/simulation_sections.hpp"
#include "planner/report/format.hpp"
#include "planner/report/plan_table.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"
#include "sim/failures/failure_run.hpp"

namespace foreshard::cli {

namespace {

using Lines = std::vector<std::string>;

double share(SimTime part, SimTime whole) { return part.seconds() / whole.seconds(); }

/// One row per stage; of many stages the first, the last and the evenly spaced ones between.
std::vector<std::size_t> shown_stages(std::size_t stages) {
  constexpr std::size_t kMost = 8;
  std::vector<std::size_t> shown;
  const std::size_t rows = std::min(stages, kMost);
  for (std::size_t i = 0; i < rows; ++i) shown.push_back(rows == 1 ? 0 : i * (stages - 1) / (rows - 1));
  return shown;
}

Lines stage_lines(const SimulationResult& simulation) {
  report::Table table({{"stage", report::Align::left},
                       {"compute"},
                       {"exposed: tp"},
                       {"pp"},
                       {"dp"},
                       {"cp, ep"},
                       {"optimizer"},
                       {"host"},
                       {"bubble"},
                       {"memory, GiB"}});
  for (const std::size_t s : shown_stages(simulation.ranks.size())) {
    const RankResult& stage = simulation.ranks[s];
    const auto exposed = [&](CommAxis axis) { return stage.exposed[static_cast<std::size_t>(axis)]; };
    const auto of_step = [&](SimTime part) { return report::percent(share(part, simulation.step_time)); };
    table.row({std::to_string(s), of_step(stage.compute), of_step(exposed(CommAxis::tp)),
               of_step(exposed(CommAxis::pp)), of_step(exposed(CommAxis::dp)),
               of_step(exposed(CommAxis::cp) + exposed(CommAxis::ep)), of_step(stage.optimizer),
               of_step(stage.host), of_step(stage.bubble), report::fixed(stage.peak.as_double() / kGibi, 1)});
  }
  return table.lines();
}

Lines path_lines(const SimulationResult& simulation) {
  if (simulation.path.entries.empty()) return {};
  constexpr std::size_t kMost = 10;
  const report::Unit unit = report::time_unit(simulation.step_time.seconds());
  report::Table table({{"critical path", report::Align::left},
                       {"", report::Align::left},
                       {"", report::Align::left},
                       {"operations"},
                       {unit.name},
                       {"%"}});
  SimTime listed;
  for (std::size_t i = 0; i < std::min(kMost, simulation.path.entries.size()); ++i) {
    const PathEntry& entry = simulation.path.entries[i];
    listed += entry.time;
    table.row({std::string(to_string(entry.component)), entry.kind, std::string(to_string(entry.phase)),
               report::grouped(entry.operations), report::in_unit(entry.time.seconds().value(), unit),
               report::fixed(100.0 * share(entry.time, simulation.step_time), 1)});
  }
  const SimTime rest = simulation.step_time - listed;
  table.row({"the rest", "", "", "", report::in_unit(rest.seconds().value(), unit),
             report::fixed(100.0 * share(rest, simulation.step_time), 1)});
  return table.lines();
}

/// The training played failure by failure, beside the closed form of the plan.
Lines failure_lines(const PlannedJob& planned) {
  const TrainingFigures& training = planned.estimate.training;
  if (!training.failures || !training.failures->time || !training.time) return {};
  constexpr double kMostSegments = 5e6;  // that are played: a second's work
  constexpr double kMostRuns = 1000.0;
  const double segments = *training.time / training.failures->interval;
  const auto runs = static_cast<std::int64_t>(std::clamp(kMostSegments / segments, 20.0, kMostRuns));
  const std::optional<FailureRuns> played =
      play_failures(failure_model(*planned.job.training.failures, planned.job.cluster.devices()),
                    training.failures->interval, *training.time, runs, 1);
  if (!played) return {};
  return report::wrapped(
      fmt::format("{} trainings played failure by failure: {} ± {} of the time goes into steps that count "
                  "(the closed form "
                  "says {}); nine in ten take between {} and {}.",
                  report::grouped(played->runs), report::percent(played->goodput),
                  report::percent(played->standard_error), report::percent(training.failures->goodput),
                  report::as_calendar_time(played->fifth), report::as_calendar_time(played->ninety_fifth)),
      0, 0);
}

}  // namespace

std::string simulation_table(const SimulatedJob& done) {
  const SimulationResult& simulation = done.simulation;
  std::string text = plan_table(done.planned);
  for (const Lines& lines :
       {done.every_rank ? rank_lines(done) : stage_lines(simulation), path_lines(simulation),
        disturbed_lines(done), link_lines(done), failure_lines(done.planned)}) {
    if (lines.empty()) continue;
    text += '\n';
    for (const std::string& line : lines) text += "  " + line + '\n';
  }
  const std::string who =
      done.every_rank ? fmt::format("each of {} ranks",
                                    report::grouped(static_cast<std::int64_t>(simulation.ranks.size())))
                      : fmt::format("one rank of each of {} stage{}", simulation.ranks.size(),
                                    simulation.ranks.size() == 1 ? "" : "s");
  text += fmt::format("\n  {} operations simulated, {}\n",
                      report::grouped(static_cast<std::int64_t>(simulation.tasks)), who);
  return text;
}

}  // namespace foreshard::cli
