#pragma once

#include <string>
#include <vector>

#include "cli/options/option.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::cli {

/// How a command line changes a job, or makes one of a model.
struct JobChanges {
  std::string cluster{};                ///< of --on; empty: the job's own
  std::vector<Override> short_ways{};   ///< of --tp and its like, as they were given
  std::vector<std::string> settings{};  ///< of --set: key=value; they come last, and win
};

struct NamedJobs {
  std::vector<JobSpec> jobs;
  std::vector<std::string> assumptions{};  ///< sentences about what nobody said, for the notes of a result
};

/// The argument JOB of commands that also take a model with --on.
inline constexpr const char* kJobHelp =
    "A job file, the name of a bundled job, or - for standard input; with --on also a model: a bundled name, "
    "a file, or a config.json";

/// Each `--set` as key=value. @throws UsageError for anything else, with the whole key where only its last
/// part is there
std::vector<Override> parse_settings(const std::vector<std::string>& settings);

/// The jobs of a path, of a bundled job by its name, or of standard input for `-`; with a cluster, the job
/// that trains a model on it. @throws UsageError where there is no such thing, SpecError as load_jobs.
NamedJobs load_changed_jobs(const std::string& job, const JobChanges& changes);

/// The same without --on.
std::vector<JobSpec> load_named_jobs(const std::string& job, const std::vector<Override>& overrides);

/// The same for jobs with a measured step time; the bundled names are those of configs/measured.
std::vector<JobSpec> load_measured_jobs(const std::string& file, const std::vector<Override>& overrides);

}  // namespace foreshard::cli
