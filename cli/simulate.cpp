#include "cli/simulate.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/command_line.hpp"
#include "cli/job_input.hpp"
#include "cli/planned_result.hpp"
#include "cli/simulated_estimate.hpp"
#include "cli/simulation_table.hpp"
#include "cli/unfinished_file.hpp"
#include "planner/cost/cost_model.hpp"
#include "planner/cost/estimate.hpp"
#include "planner/program/emit.hpp"
#include "sim/play/simulate_step.hpp"
#include "sim/trace/chrome_trace.hpp"

namespace foreshard::cli {
namespace {

struct SimulateOptions {
  std::string job;
  std::string format = "table";
  std::string trace;
  bool all_ranks = false;
  std::vector<std::string> settings;
};

/// A job, what was planned of it with simulated times, and the simulation itself.
struct SimulatedJob {
  PlannedJob planned;
  SimulationResult simulation;
};

SimulationResult run_simulation(const StepProgram& program, const CostModel& cost,
                                const SimulateOptions& options) {
  SimulationOptions simulation;
  simulation.communication_share = cost.interference().communication_share;
  simulation.host_submit = cost.interference().submit;
  if (options.trace.empty()) {
    NoTimeline nothing;
    return simulate_step(program, cost, nothing, simulation);
  }
  UnfinishedFile file(options.trace);
  ChromeTrace trace(file.stream(), program, {.all_ranks = options.all_ranks});
  SimulationResult result = simulate_step(program, cost, trace, simulation);
  trace.finish();
  file.finish();
  return result;
}

SimulatedJob simulate(JobSpec job, const SimulateOptions& options) {
  const StepProgram program = build_step_program(job);
  const CostModel cost(job);
  SimulationResult simulation = run_simulation(program, cost, options);
  Estimate answer = with_simulation(job, estimate(job, program), simulation);
  return {{std::move(job), std::move(answer)}, std::move(simulation)};
}

CommandResult run_simulate(const SimulateOptions& options) {
  std::vector<JobSpec> jobs = load_named_jobs(options.job, parse_settings(options.settings));
  if (!options.trace.empty() && jobs.size() > 1) {
    throw UsageError(fmt::format("'{}' holds {} jobs, but --trace writes one", options.job, jobs.size()));
  }
  if (options.all_ranks && options.trace.empty())
    throw UsageError("--all-ranks is about a trace: name it by --trace");
  std::vector<PlannedJob> planned;
  std::string tables;
  for (JobSpec& job : jobs) {
    SimulatedJob done = simulate(std::move(job), options);
    if (!tables.empty()) tables += "\n\n";
    tables += simulation_table(done.planned, done.simulation);
    planned.push_back(std::move(done.planned));
  }
  return planned_result(planned, options.format, std::move(tables));
}

constexpr const char* kExample =
    "Example:\n"
    "  foreshard simulate llama3-70b-64h100\n"
    "  foreshard simulate my-job.yaml --trace step.json     (open in ui.perfetto.dev)\n"
    "\n";

}  // namespace

void add_simulate(CLI::App& app, Command& command) {
  const auto options = std::make_shared<SimulateOptions>();
  CLI::App* simulate = app.add_subcommand(
      "simulate", "Play one step on every stage's lanes: what happens when, and what waits.");
  simulate->add_option("JOB", options->job, kJobHelp)->required()->option_text(" ");
  simulate->add_option("--format", options->format, "table (for people), json or csv; default table")
      ->check(one_of({"table", "json", "csv"}))
      ->option_text("FORMAT");
  simulate->add_option("--trace", options->trace, "Also write the timeline, for Perfetto or chrome://tracing")
      ->option_text("FILE");
  simulate->add_flag("--all-ranks", options->all_ranks,
                     "In the trace, a process for every rank, not one a stage");
  simulate->add_option("--set", options->settings, "Replace one value of the job; may be repeated")
      ->allow_extra_args(false)
      ->option_text("KEY=VALUE");
  simulate->footer(kExample + std::string(kExitCodes));
  simulate->callback([options, &command] {
    command = {.run = [options] { return run_simulate(*options); }, .nothing_done = "nothing simulated"};
  });
}

}  // namespace foreshard::cli
