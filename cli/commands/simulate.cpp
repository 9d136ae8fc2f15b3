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
#include "cli/options/command_line.hpp"
#include "cli/options/disturb_options.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/offers.hpp"

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
  std::vector<std::string> settings;
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
      .disturbance = disturbance_spec(options.disturb),
      .degraded = degradations(options.disturb),
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
  const std::vector<JobSpec> jobs = load_named_jobs(options.job, parse_settings(options.settings));
  const SimulationRequest request = request_of(options);
  check(options, request, jobs.size());
  std::vector<SimulatedJob> simulated;
  std::vector<PlannedJob> planned;
  std::string tables;
  for (const JobSpec& job : jobs) {
    simulated.push_back(simulate_job(job, request));
    if (!tables.empty()) tables += "\n\n";
    tables += simulation_table(simulated.back());
    planned.push_back(simulated.back().planned);
  }
  CommandResult result = planned_result(planned, options.format, std::move(tables));
  if (options.format == "json") result.output = simulation_json(simulated);
  return result;
}

constexpr const char* kExample =
    "Example:\n"
    "  foreshard simulate llama3-70b-64h100\n"
    "  foreshard simulate my-job.yaml --trace step.json.gz     (open in ui.perfetto.dev)\n"
    "  foreshard simulate my-job.yaml --network flow --with other-job.yaml\n"
    "  foreshard simulate my-job.yaml --stragglers 0.5%:1.1-1.3 --seeds 20\n"
    "\n";

}  // namespace

void add_simulate(CLI::App& app, Command& command) {
  const auto options = std::make_shared<SimulateOptions>();
  CLI::App* simulate = app.add_subcommand(
      "simulate", "Play one step on every stage's lanes: what happens when, and what waits.");
  simulate->add_option("JOB", options->job, kJobHelp)
      ->required()
      ->check(offers(kOfferJobs))
      ->option_text(" ");
  simulate->add_option("--format", options->format, "table (for people), json or csv; default table")
      ->check(one_of({"table", "json", "csv"}))
      ->option_text("FORMAT");
  simulate
      ->add_option("--trace", options->trace,
                   "Also write the timeline, for Perfetto or chrome://tracing; "
                   "compressed by gzip where the name ends in .gz")
      ->check(offers(kOfferFiles))
      ->option_text("FILE");
  simulate->add_flag("--all-ranks", options->all_ranks,
                     "In the trace, a process for every rank, not one a stage");
  simulate
      ->add_option("--trace-micro-batches", options->trace_micro_batches,
                   "In the trace, only the first N micro-batches, and what belongs to none; default all")
      ->check(CLI::Range(std::int64_t{1}, std::numeric_limits<std::int64_t>::max()))
      ->option_text("N");
  simulate
      ->add_option("--network", options->network,
                   "alpha-beta: a communication takes what it does alone; flow: as flows over the cluster's "
                   "links, which all share; default alpha-beta")
      ->check(one_of({"alpha-beta", "flow"}))
      ->option_text("MODEL");
  simulate->add_flag("--unfolded", options->unfolded, "Play every rank, not one for each stage");
  add_disturb_options(*simulate, options->disturb);
  simulate->add_option("--seed", options->seed, "Of what is drawn by chance; default 1")->option_text("N");
  simulate
      ->add_option("--seeds", options->seeds, "Draw so many times, from --seed on, and say how steps spread")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}))
      ->option_text("N");
  simulate
      ->add_option("--with", options->with, "With --network flow: another job that runs on the same fabric")
      ->check(offers(kOfferJobs))
      ->option_text("JOB");
  simulate
      ->add_option("--placement", options->placement,
                   "Of both jobs' nodes: packed, one job's after the other's, or interleaved; default packed")
      ->check(one_of({"packed", "interleaved"}))
      ->option_text("HOW");
  simulate->add_option("--set", options->settings, "Replace one value of the job; may be repeated")
      ->allow_extra_args(false)
      ->check(offers(kOfferKeys))
      ->option_text("KEY=VALUE");
  simulate->footer(kExample + std::string(kExitCodes));
  simulate->callback([options, &command] {
    command = {.run = [options] { return run_simulate(*options); }, .nothing_done = "nothing simulated"};
  });
}

}  // namespace foreshard::cli
