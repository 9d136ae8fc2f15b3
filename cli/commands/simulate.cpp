#include "cli/commands/simulate.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/files/output_file.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/simulate_options.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/progress.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/report/joined_tables.hpp"
#include "planner/report/simulation_record.hpp"
#include "planner/report/simulation_table.hpp"
#include "sim/study/simulate_job.hpp"

namespace foreshard::cli {
namespace {

JobSpec other_job(const SimulateOptions& options) {
  std::vector<JobSpec> jobs = load_named_jobs(options.with, {});
  if (jobs.size() != 1)
    throw UsageError(fmt::format("'{}' holds {} jobs, but --with takes one", options.with, jobs.size()));
  return std::move(jobs.front());
}

void check(const SimulateOptions& options, const SimulationRequest& request, std::size_t jobs) {
  if (!options.trace.empty() && jobs > 1)
    throw UsageError(fmt::format("'{}' holds {} jobs, but --trace writes one", options.job, jobs));
  if (options.all_ranks && options.trace.empty())
    throw UsageError("--all-ranks is about a trace: name it by --trace");
  if (options.trace_micro_batches && options.trace.empty())
    throw UsageError("--trace-micro-batches is about a trace: name it by --trace");
  if (request.network != NetworkModel::flow) {
    if (request.beside) throw UsageError("--with is about links that jobs share: add --network flow");
    if (!request.degraded.empty()) throw UsageError("--degrade is about links: add --network flow");
  }
  if (request.seeds > 1 && !request.disturbance.is_random())
    throw UsageError("--seeds is about chance: add --stragglers, --spread or --jitter");
}

SimulationRequest request_of(const SimulateOptions& options) {
  SimulationRequest request{
      .network = options.network == "flow" ? NetworkModel::flow : NetworkModel::alpha_beta,
      .every_rank = options.unfolded,
      .disturbance = options.disturb.disturbance,
      .degraded = options.disturb.degraded,
      .seed = options.seed,
      .seeds = options.seeds,
      .placement = options.placement == "packed" ? JobPlacement::packed : JobPlacement::interleaved,
      .has_outline = options.has_timeline || options.output.has_page()};
  if (!options.with.empty()) request.beside = other_job(options);
  return request;
}

/// Simulates a job, and writes the trace if one is requested.
SimulatedJob simulate(const JobSpec& job, const SimulateOptions& options, SimulationRequest request) {
  Progress progress(true);
  request.progress = progress.listener();
  if (options.trace.empty()) return simulate_job(job, request);
  OutputFile file(options.trace, compression_for(options.trace));
  request.trace.emplace(TraceRequest{.out = file.stream(),
                                     .has_all_ranks = options.all_ranks,
                                     .micro_batches = options.trace_micro_batches});
  SimulatedJob done = simulate_job(job, request);
  file.finish();
  return done;
}

CommandResult run_simulate(const SimulateOptions& options) {
  const NamedJobs named = load_changed_jobs(options.job, options.changes);
  const SimulationRequest request = request_of(options);
  check(options, request, named.jobs.size());
  std::vector<SimulatedJob> simulated;
  for (const JobSpec& job : named.jobs) {
    simulated.push_back(simulate(job, options, request));
    std::vector<std::string>& notes = simulated.back().planned.estimate.notes;
    notes.insert(notes.end(), named.assumptions.begin(), named.assumptions.end());
  }
  const bool may_all_fit = std::all_of(simulated.begin(), simulated.end(), [](const SimulatedJob& done) {
    return done.planned.estimate.memory.verdict != MemoryVerdict::does_not_fit;
  });
  return result_of({.table = [&] { return report::joined_tables(simulated, simulation_table); },
                    .record = [&] { return report::simulation_record(simulated); }},
                   options.output, may_all_fit ? ExitCode::done : ExitCode::no);
}

}  // namespace

Command simulate_command() {
  const auto options = std::make_shared<SimulateOptions>();
  return {.spec = {.name = "simulate",
                   .summary = "Play one step on every stage's lanes: what happens when, and what waits.",
                   .arguments = {{.name = "JOB",
                                  .help = kJobHelp,
                                  .is_required = true,
                                  .offer = Offer::jobs,
                                  .target = text(options->job)}},
                   .options = simulate_options(*options),
                   .examples =
                       "foreshard simulate llama3-70b-64h100\n"
                       "foreshard simulate my-job.yaml --trace step.json.gz     (open in ui.perfetto.dev)\n"
                       "foreshard simulate my-job.yaml --network flow --with other-job.yaml\n"
                       "foreshard simulate my-job.yaml --stragglers 0.5%:1.1-1.3 --seeds 20\n"},
          .run = [options] { return run_simulate(*options); },
          .nothing_done = "nothing simulated"};
}

}  // namespace foreshard::cli
