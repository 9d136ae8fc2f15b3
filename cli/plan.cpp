#include "cli/plan.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/command_line.hpp"
#include "planner/cost/estimate.hpp"
#include "planner/report/estimate_csv.hpp"
#include "planner/report/estimate_json.hpp"
#include "planner/report/plan_table.hpp"
#include "planner/spec/load.hpp"

namespace foreshard::cli {
namespace {

struct PlanOptions {
  std::vector<std::string> jobs;
  std::string format = "table";
  std::vector<std::string> settings;
};

Override parse_setting(const std::string& setting) {
  const auto equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(fmt::format("--set takes key=value, as in parallelism.tp=4, not '{}'", setting));
  }
  return {.path = setting.substr(0, equals), .value = setting.substr(equals + 1)};
}

/// A path, the name of a bundled job, or `-` for standard input.
std::vector<JobSpec> load(const std::string& job, const std::vector<Override>& overrides) {
  if (job == "-") {
    const std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
    return parse_jobs(text, "<stdin>", overrides);
  }
  std::error_code no_error;
  if (std::filesystem::is_directory(job, no_error)) {
    throw UsageError(fmt::format("'{}' is a directory, not a job", job));
  }
  if (std::filesystem::exists(job, no_error)) return load_jobs(job, overrides);
  const auto bundled = bundled_names(ConfigKind::jobs);
  if (std::find(bundled.begin(), bundled.end(), job) != bundled.end()) {
    return load_jobs(bundled_file(ConfigKind::jobs, job), overrides);
  }
  const std::string name = std::filesystem::path(job).stem().string();
  throw UsageError(
      fmt::format("there is neither a file nor a bundled job '{}'{}", job, suggestion(name, bundled)));
}

std::string tables(const std::vector<PlannedJob>& planned) {
  std::string text;
  for (const PlannedJob& job : planned) {
    if (!text.empty()) text += "\n\n";
    text += plan_table(job);
  }
  return text;
}

CommandResult run_plan(const PlanOptions& options) {
  std::vector<Override> overrides;
  for (const std::string& setting : options.settings) overrides.push_back(parse_setting(setting));
  std::vector<PlannedJob> planned;
  for (const std::string& file : options.jobs) {
    for (JobSpec& job : load(file, overrides)) {
      Estimate answer = estimate(job);
      planned.push_back({std::move(job), std::move(answer)});
    }
  }
  CommandResult result;
  if (options.format == "json") {
    result.output = estimate_json(planned);
  } else if (options.format == "csv") {
    result.output = estimate_csv(planned);
  } else {
    result.output = tables(planned);
  }
  const bool all_fit = std::all_of(planned.begin(), planned.end(),
                                   [](const PlannedJob& job) { return job.estimate.memory.fits; });
  result.code = all_fit ? ExitCode::done : ExitCode::no;
  return result;
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
  plan->add_option("JOB", options->jobs, "A job file, the name of a bundled job, or - for standard input")
      ->required()
      ->option_text("...");
  plan->add_option("--format", options->format, "table (for people), json or csv; default table")
      ->check(one_of({"table", "json", "csv"}))
      ->option_text("FORMAT");
  plan->add_option("--set", options->settings, "Replace one value of the job; may be repeated")
      ->allow_extra_args(false)
      ->option_text("KEY=VALUE");
  plan->footer(kExample + std::string(kExitCodes));
  plan->callback([options, &command] {
    command = {.run = [options] { return run_plan(*options); }, .nothing_done = "nothing planned"};
  });
}

}  // namespace foreshard::cli
