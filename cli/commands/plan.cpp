#include "cli/commands/plan.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/options/command_line.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/offers.hpp"
#include "cli/commands/planned_result.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/report/plan_table.hpp"

namespace foreshard::cli {
namespace {

struct PlanOptions {
  std::vector<std::string> jobs;
  std::string format = "table";
  std::vector<std::string> settings;
};

std::string tables(const std::vector<PlannedJob>& planned) {
  std::string text;
  for (const PlannedJob& job : planned) {
    if (!text.empty()) text += "\n\n";
    text += plan_table(job);
  }
  return text;
}

CommandResult run_plan(const PlanOptions& options) {
  const std::vector<Override> overrides = parse_settings(options.settings);
  std::vector<PlannedJob> planned;
  for (const std::string& file : options.jobs) {
    for (JobSpec& job : load_named_jobs(file, overrides)) {
      Estimate answer = estimate(job);
      planned.push_back({std::move(job), std::move(answer)});
    }
  }
  return planned_result(planned, options.format, tables(planned));
}

constexpr const char* kExample =
    "Example:\n"
    "  foreshard plan llama3-70b-64h100\n"
    "  foreshard plan my-job.yaml --set parallelism.tp=4 --format json\n"
    "\n";

}  // namespace

void add_plan(CLI::App& app, Command& command) {
  const auto options = std::make_shared<PlanOptions>();
  CLI::App* plan = app.add_subcommand(
      "plan", "Say how long one training step takes, what limits it, and whether it fits.");
  plan->add_option("JOB", options->jobs, kJobHelp)->required()->check(offers(kOfferJobs))->option_text("...");
  plan->add_option("--format", options->format, "table (for people), json or csv; default table")
      ->check(one_of({"table", "json", "csv"}))
      ->option_text("FORMAT");
  plan->add_option("--set", options->settings, "Replace one value of the job; may be repeated")
      ->allow_extra_args(false)
      ->check(offers(kOfferKeys))
      ->option_text("KEY=VALUE");
  plan->footer(kExample + std::string(kExitCodes));
  plan->callback([options, &command] {
    command = {.run = [options] { return run_plan(*options); }, .nothing_done = "nothing planned"};
  });
}

}  // namespace foreshard::cli
