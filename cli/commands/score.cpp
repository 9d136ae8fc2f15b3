#include "cli/commands/score.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/options/common_options.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/suggestion.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/report/score_record.hpp"
#include "planner/report/score_table.hpp"
#include "planner/score/score.hpp"
#include "planner/spec/load/load.hpp"

namespace foreshard::cli {
namespace {

/// Limit on the number of cases: more than anybody lists, so that a mistyped number is refused.
constexpr std::int64_t kMostCases = 1'000'000;

struct ScoreOptions {
  std::vector<std::string> files;
  std::vector<std::string> without;
  std::optional<std::int64_t> worst;
  bool bands = false;
  OutputChoice output;
  std::vector<std::string> settings;
};

/// A file of measured jobs and the name under which its cases are reported.
struct Source {
  std::string name;
  std::string file;
};

std::string stem(const std::string& file) {
  return file == "-" ? "stdin" : std::filesystem::path(file).stem().string();
}

/// A file's stem, or the whole argument where two files share one.
std::vector<Source> name_sources(const std::vector<std::string>& files) {
  std::vector<Source> sources;
  for (const std::string& file : files) {
    if (std::count(files.begin(), files.end(), file) > 1) {
      throw UsageError(fmt::format("'{}' is named twice; its cases would count twice", file));
    }
    const auto alike = std::count_if(files.begin(), files.end(),
                                     [&](const std::string& other) { return stem(other) == stem(file); });
    sources.push_back({.name = alike > 1 ? file : stem(file), .file = file});
  }
  return sources;
}

void leave_out(std::vector<Source>& sources, const std::vector<std::string>& without) {
  std::vector<std::string> names;
  for (const Source& source : sources) names.push_back(source.name);
  for (const std::string& name : without) {
    if (std::erase_if(sources, [&](const Source& source) { return source.name == name; }) == 0) {
      throw UsageError(fmt::format("--without '{}': no such source{}", name, suggestion(name, names)));
    }
  }
  if (sources.empty()) throw UsageError("--without leaves nothing to score");
}

Score score_sources(const std::vector<Source>& sources, const std::vector<Override>& overrides) {
  std::vector<ScoredCase> cases;
  std::vector<ScoredRun> runs;
  for (const Source& source : sources) {
    for (const JobSpec& job : load_measured_jobs(source.file, overrides)) {
      const Estimate answer = estimate(job);
      if (job.measured && job.measured->step_time) {
        cases.push_back(score_case(source.name, job, answer));
      } else {
        runs.push_back(score_run(source.name, job, answer));
      }
    }
  }
  return score(std::move(cases), std::move(runs));
}

CommandResult run_score(const ScoreOptions& options) {
  std::vector<Source> sources =
      name_sources(options.files.empty() ? bundled_names(ConfigKind::measured) : options.files);
  leave_out(sources, options.without);
  Score result = score_sources(sources, parse_settings(options.settings));
  if (options.bands && result.cases.empty()) throw UsageError("--bands needs measured step times");
  if (options.bands) result.band = fit_band(result.cases);
  if (options.worst) {
    const auto worst = static_cast<std::size_t>(*options.worst);
    result.cases = worst_cases(std::move(result.cases), worst);
    result.runs = wrong_runs(std::move(result.runs), worst);
  }
  return result_of(
      {.table = [&] { return score_table(result); }, .record = [&] { return report::score_record(result); }},
      options.output);
}

}  // namespace

Command score_command() {
  const auto options = std::make_shared<ScoreOptions>();
  return {
      .spec =
          {.name = "score",
           .summary = "Lay predictions beside measured steps, and say how far off they are.",
           .arguments = {{.name = "FILE",
                          .help = "A file of measured jobs, a bundled one's name, or -; all bundled if none",
                          .offer = Offer::measured,
                          .target = texts(options->files)}},
           .options = {{.name = "--without",
                        .value = "NAME",
                        .help = "Leave out a source; may be repeated",
                        .offer = Offer::measured,
                        .target = texts(options->without)},
                       {.name = "--worst",
                        .value = "N",
                        .help = "List the N cases furthest off, or 0; statistics are of all",
                        .target = whole_number(options->worst, {.least = 0, .most = kMostCases})},
                       {.name = "--bands",
                        .help = "Say how wide error bands must be, and how well that holds source by source",
                        .target = flag(options->bands)},
                       format_option(options->output.format),
                       html_option(options->output),
                       set_option(options->settings, "every job")},
           .notes =
               "A case is a job with measured.step_time, measured.peak_memory or measured.outcome (ran or "
               "oom). Bundled ones,\nnamed by `foreshard list measured`, are published runs. A file may hold "
               "several jobs, "
               "with --- between.",
           .examples = "foreshard score                                    (all bundled cases)\n"
                       "foreshard score korthikanti torchtitan --worst 5\n"
                       "foreshard score my-runs.yaml --format json\n"},
      .run = [options] { return run_score(*options); },
      .nothing_done = "nothing scored"};
}

}  // namespace foreshard::cli
