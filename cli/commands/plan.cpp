#include "cli/commands/plan.hpp"

#include <algorithm>
#include <memory>
#include <optional>
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
#include "cli/terminal/usage_error.hpp"
#include "planner/report/estimate_record.hpp"
#include "planner/report/joined_tables.hpp"
#include "planner/report/plan_table.hpp"
#include "planner/report/words.hpp"
#include "planner/score/like_runs.hpp"
#include "planner/search/fewest_devices.hpp"
#include "planner/search/setting.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "planner/spec/load/load.hpp"

namespace foreshard::cli {
namespace {

struct PlanOptions {
  std::vector<std::string> jobs;
  OutputChoice output;
  JobChanges changes;
  std::vector<ClusterPrice> prices;
  bool fewest_devices = false;
  std::optional<std::string> like_run;
};

/// Plans the job on the fewest devices of its kind on which it fits, with a note of what that changes; the job
/// as it is, with a note, if it fits on none. None if it is not legal either.
std::optional<PlannedJob> plan_on_fewest(const JobSpec& job) {
  const auto found = fewest_devices(job);
  if (!found && !find_illegalities(job).empty()) return std::nullopt;
  PlannedJob planned = found ? PlannedJob{.job = found->job, .estimate = found->estimate} : plan_job(job);
  std::string note = fmt::format("fits on no number of these devices up to {}", kMostDevices);
  if (found) {
    note = fmt::format("the fewest of these devices on which it fits, and its fastest plan there ({} tried)",
                       report::counted(found->plans, "plan"));
    for (const Setting& setting : settings_between(job, found->job))
      note += fmt::format("{}{}={}", note.ends_with(')') ? ": " : ", ", setting.key, setting.value);
  }
  planned.estimate.notes.push_back(std::move(note));
  return planned;
}

/// The user's own measured runs. @throws UsageError if the file has none
LikeRuns own_runs(const std::string& file) {
  const std::vector<JobSpec> measured = load_measured_jobs(file, {});
  const bool has_step_time = std::any_of(measured.begin(), measured.end(), [](const JobSpec& job) {
    return job.measured && job.measured->step_time && job.measured->not_judged.empty();
  });
  if (!has_step_time)
    throw UsageError(
        fmt::format("--like-run {}: no job has a measured step time (measured.step_time)", file));
  return like_runs(measured);
}

std::string few_runs_note(const LikeRuns& runs) {
  return fmt::format("{} of your own {} little about the next: {} make a median",
                     report::counted(static_cast<std::int64_t>(runs.runs), "run"),
                     runs.runs == 1 ? "says" : "say", kFewestLikeRuns);
}

CommandResult run_plan(const PlanOptions& options) {
  std::set<std::string> clusters;
  std::vector<PlannedJob> planned;
  const std::optional<LikeRuns> like =
      options.like_run ? std::optional(own_runs(*options.like_run)) : std::nullopt;
  for (const std::string& file : options.jobs) {
    const Purpose purpose = options.fewest_devices ? Purpose::find_size : Purpose::plan;
    NamedJobs named = load_changed_jobs(file, options.changes, purpose);
    for (JobSpec& job : named.jobs) {
      set_price(job.cluster, options.prices);
      clusters.insert(job.cluster.name);
      if (options.fewest_devices) {
        std::optional<PlannedJob> on_fewest = plan_on_fewest(job);
        if (!on_fewest) load_changed_jobs(file, options.changes);  // throws what is wrong with its degrees
        planned.push_back(*std::move(on_fewest));
      } else {
        planned.push_back(plan_job(std::move(job)));
      }
      std::vector<std::string>& notes = planned.back().estimate.notes;
      notes.insert(notes.end(), named.assumptions.begin(), named.assumptions.end());
      if (!like) continue;
      apply(*like, planned.back().job, planned.back().estimate);
      if (like->runs < kFewestLikeRuns) notes.push_back(few_runs_note(*like));
    }
  }
  check_prices(options.prices, clusters);
  const bool may_all_fit = std::all_of(planned.begin(), planned.end(), [](const PlannedJob& job) {
    return job.estimate.memory.verdict != MemoryVerdict::does_not_fit;
  });
  return result_of({.table = [&] { return report::joined_tables(planned, plan_table); },
                    .record = [&] { return report::estimate_record(planned); }},
                   options.output, may_all_fit ? ExitCode::done : ExitCode::no);
}

}  // namespace

Command plan_command() {
  const auto options = std::make_shared<PlanOptions>();
  CommandSpec spec{.name = "plan",
                   .summary = "Say how long one training step takes, what limits it, and whether it fits.",
                   .arguments = {{.name = "JOB",
                                  .help = kJobHelp,
                                  .is_required = true,
                                  .offer = Offer::jobs,
                                  .target = texts(options->jobs)}},
                   .options = job_options(options->changes),
                   .examples =
                       "foreshard plan llama3-70b-64h100\n"
                       "foreshard plan llama3-70b-64h100 --tp 4 --recompute full\n"
                       "foreshard plan llama3-70b --on dgx-h100 --nodes 8 --tp 8 --pp 4\n"
                       "foreshard plan llama3-70b-64h100 --fewest-devices\n"
                       "foreshard plan my-job.yaml --set training.attention=unfused --format json\n"};
  spec.options.push_back(price_option(options->prices));
  spec.options.push_back({.name = "--fewest-devices",
                          .help = "Plan the job on the fewest devices of its kind on which it fits",
                          .target = flag(options->fewest_devices)});
  spec.options.push_back({.name = "--like-run",
                          .value = "FILE",
                          .help = "Measured jobs of the same system: their median error corrects the band",
                          .offer = Offer::measured,
                          .target = text(options->like_run)});
  spec.options.push_back(format_option(options->output.format));
  spec.options.push_back(html_option(options->output));
  return {.spec = std::move(spec),
          .run = [options] { return run_plan(*options); },
          .nothing_done = "nothing planned"};
}

}  // namespace foreshard::cli
