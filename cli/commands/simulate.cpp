#include "cli/commands/simulate.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/commands/planned_result.hpp"
#include "cli/commands/simulate_job.hpp"
#include "cli/commands/simulation_json.hpp"
#include "cli/commands/simulation_table.hpp"
#include "cli/options/common_options.hpp"
#include "cli/options/disturb_options.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/job_options.hpp"
#include "cli/options/target.hpp"

namespace foreshard::cli {
namespace {

struct SimulateOptions {
  std::string job;
  std::string format = "table";
  std::string trace;
  bool all_ranks = false;
  std::optional<std::int64_t> trace_micro_batches;
  std::string network = "alpha-beta";
  bool unfolded = false;
  DisturbOptions disturb;
  std::uint64_t seed = 1;
  std::size_t seeds = 1;
  std::string with;
  std::string placement = "packed";
  JobChanges changes;
};

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
  if (!request.flows) {
    if (request.beside) throw UsageError("--with is about links that jobs share: add --network flow");
    if (!request.degraded.empty()) throw UsageError("--degrade is about links: add --network flow");
  }
  if (request.seeds > 1 && !request.disturbance.is_random())
    throw UsageError("--seeds is about chance: add --stragglers, --spread or --jitter");
}

SimulationRequest request_of(const SimulateOptions& options) {
  SimulationRequest request{
      .flows = options.network == "flow",
      .every_rank = options.unfolded,
      .disturbance = options.disturb.disturbance,
      .degraded = options.disturb.degraded,
      .seed = options.seed,
      .seeds = options.seeds,
      .placement = options.placement == "packed" ? Placement::packed : Placement::interleaved,
      .trace = options.trace,
      .trace_all_ranks = options.all_ranks,
      .trace_micro_batches = options.trace_micro_batches};
  if (!options.with.empty()) request.beside = other_job(options);
  return request;
}

CommandResult run_simulate(const SimulateOptions& options) {
  const NamedJobs named = load_changed_jobs(options.job, options.changes);
  const SimulationRequest request = request_of(options);
  check(options, request, named.jobs.size());
  std::vector<SimulatedJob> simulated;
  std::vector<PlannedJob> planned;
  std::string tables;
  for (const JobSpec& job : named.jobs) {
    simulated.push_back(simulate_job(job, request));
    std::vector<std::string>& notes = simulated.back().planned.estimate.notes;
    notes.insert(notes.end(), named.assumptions.begin(), named.assumptions.end());
    if (!tables.empty()) tables += "\n\n";
    tables += simulation_table(simulated.back());
    planned.push_back(simulated.back().planned);
  }
  CommandResult result = planned_result(planned, options.format, std::move(tables));
  if (options.format == "json") result.output = simulation_json(simulated);
  return result;
}

std::vector<OptionSpec> simulate_options(SimulateOptions& options) {
  std::vector<OptionSpec> specs{
      format_option(options.format, {"table", "json", "csv"}),
      {.name = "--trace",
       .value = "FILE",
       .help = "Also write the timeline, for Perfetto or chrome://tracing; compressed by gzip where the name "
               "ends in .gz",
       .offer = Offer::files,
       .target = text(options.trace)},
      {.name = "--all-ranks",
       .help = "In the trace, a process for every rank, not one a stage",
       .target = flag(options.all_ranks)},
      {.name = "--trace-micro-batches",
       .value = "N",
       .help = "In the trace, only the first N micro-batches, and what belongs to none; default all",
       .target = whole_number(options.trace_micro_batches,
                              {.least = 1, .most = std::numeric_limits<std::int64_t>::max()})},
      {.name = "--network",
       .value = "MODEL",
       .help = "alpha-beta: a communication takes what it does alone; flow: as flows over the cluster's "
               "links, which all share; default alpha-beta",
       .target = word(options.network, {"alpha-beta", "flow"})},
      {.name = "--unfolded",
       .help = "Play every rank, not one for each stage",
       .target = flag(options.unfolded)}};
  for (OptionSpec& option : disturb_options(options.disturb)) specs.push_back(std::move(option));
  constexpr WholeBounds kSeeds{.least = 0, .most = std::numeric_limits<std::int64_t>::max()};
  specs.insert(
      specs.end(),
      {{.name = "--seed",
        .value = "N",
        .help = "Of what is drawn by chance; default 1",
        .target = whole_number(options.seed, kSeeds)},
       {.name = "--seeds",
        .value = "N",
        .help = "Draw so many times, from --seed on, and say how steps spread",
        .target = whole_number(options.seeds, {.least = 1, .most = 1'000'000})},
       {.name = "--with",
        .value = "JOB",
        .help = "With --network flow: another job that runs on the same fabric",
        .offer = Offer::jobs,
        .target = text(options.with)},
       {.name = "--placement",
        .value = "HOW",
        .help = "Of both jobs' nodes: packed, one job's after the other's, or interleaved; default packed",
        .target = word(options.placement, {"packed", "interleaved"})}});
  for (OptionSpec& option : job_options(options.changes)) specs.push_back(std::move(option));
  return specs;
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
