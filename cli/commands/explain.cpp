#include "cli/commands/explain.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/options/common_options.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/job_options.hpp"
#include "cli/options/price_option.hpp"
#include "cli/options/target.hpp"
#include "planner/explain/explanation.hpp"
#include "planner/report/explain/explain_record.hpp"
#include "planner/report/explain/explain_table.hpp"
#include "planner/report/joined_tables.hpp"
#include "sim/study/simulate_job.hpp"

namespace foreshard::cli {
namespace {

struct ExplainOptions {
  std::string job;
  OutputChoice output;
  JobChanges changes;
  std::vector<ClusterPrice> prices;
};

/// A word of a command line, in quotes where a shell needs them.
std::string quoted(const std::string& word) {
  constexpr const char* kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./=,:+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// The job and its changes as words of a command line.
std::string arguments_of(const ExplainOptions& options) {
  std::string text = quoted(options.job);
  if (!options.changes.cluster.empty()) text += " --on " + quoted(options.changes.cluster);
  for (const Override& change : options.changes.short_ways)
    text += " --set " + quoted(change.path + "=" + change.value);
  for (const std::string& setting : options.changes.settings) text += " --set " + quoted(setting);
  for (const ClusterPrice& price : options.prices)
    text += fmt::format(" --price {}={}", quoted(price.cluster), price.per_device.value() * kHour.value());
  return text;
}

ExplainedJob explain_job(const JobSpec& job, std::string arguments) {
  ExplainedJob explained{.planned = plan_job(job), .why = {}, .path = {}, .path_time = {}, .arguments = {}};
  explained.why = explain(job, explained.planned.estimate);
  SimulatedStep simulated = simulate_job(job, {}).simulation;
  explained.path = std::move(simulated.path);
  explained.path_time = simulated.time;
  explained.arguments = std::move(arguments);
  return explained;
}

CommandResult run_explain(const ExplainOptions& options) {
  NamedJobs named = load_changed_jobs(options.job, options.changes);
  std::set<std::string> clusters;
  for (JobSpec& job : named.jobs) {
    set_price(job.cluster, options.prices);
    clusters.insert(job.cluster.name);
  }
  check_prices(options.prices, clusters);
  std::vector<ExplainedJob> explained;
  for (const JobSpec& job : named.jobs) {
    explained.push_back(explain_job(job, arguments_of(options)));
    std::vector<std::string>& notes = explained.back().planned.estimate.notes;
    notes.insert(notes.end(), named.assumptions.begin(), named.assumptions.end());
  }
  const bool may_all_fit = std::all_of(explained.begin(), explained.end(), [](const ExplainedJob& one) {
    return one.planned.estimate.memory.verdict != MemoryVerdict::does_not_fit;
  });
  return result_of({.table = [&] { return report::joined_tables(explained, explain_table); },
                    .record = [&] { return report::explain_record(explained); }},
                   options.output, may_all_fit ? ExitCode::done : ExitCode::no);
}

}  // namespace

Command explain_command() {
  const auto options = std::make_shared<ExplainOptions>();
  CommandSpec spec{
      .name = "explain",
      .summary = "Say why a step takes as long as it does, and what 10% more of each resource is worth.",
      .arguments = {{.name = "JOB",
                     .help = kJobHelp,
                     .is_required = true,
                     .offer = Offer::jobs,
                     .target = text(options->job)}},
      .options = job_options(options->changes),
      .notes =
          "From the model's FLOPs at the devices' peak rate to the step, in parts that add up; the critical "
          "path of the simulated step; the change of step time and of dollars per token with 10% more of "
          "each resource; and ten sentences, each with the command that checks it.",
      .examples =
          "foreshard explain llama3-70b-64h100\n"
          "foreshard explain my-job.yaml --tp 4 --format json\n"};
  spec.options.push_back(price_option(options->prices));
  spec.options.push_back(format_option(options->output.format));
  spec.options.push_back(html_option(options->output));
  return {.spec = std::move(spec),
          .run = [options] { return run_explain(*options); },
          .nothing_done = "nothing explained"};
}

}  // namespace foreshard::cli
