#pragma once

#include <string>
#include <vector>

#include "cli/options/option.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::cli {

/// The changes that a command line makes to a job, or with which it makes a job from a model.
struct JobChanges {
  std::string cluster{};                ///< from --on; empty: the job's own cluster
  std::vector<Override> short_ways{};   ///< from --tp and similar options, in the order given
  std::vector<std::string> settings{};  ///< from --set: key=value; applied last, so they take precedence
};

struct NamedJobs {
  std::vector<JobSpec> jobs;
  std::vector<std::string> assumptions{};  ///< sentences on values that were not given, for a result's notes
};

/// While the object lives, JOB `-` on this thread is this text instead of standard input; messages call it
/// "job". Nothing changes if the text is empty.
class GivenInput {
 public:
  explicit GivenInput(const std::string& text);
  ~GivenInput();
  GivenInput(const GivenInput&) = delete;
  GivenInput& operator=(const GivenInput&) = delete;

 private:
  const std::string* before_;
};

/// Help text for the argument JOB of commands that also take a model with --on.
inline constexpr const char* kJobHelp =
    "A job file, the name of a bundled job, or - for standard input; with --on also a model: a bundled name, "
    "a file, or a config.json";

/// Splits each `--set` into key and value. @throws UsageError if a setting is not key=value; if the key is
/// only the last part of a key, the message suggests the whole key
std::vector<Override> parse_settings(const std::vector<std::string>& settings);

/// An argument that names a config, as a job file names it from any directory: a name, or an absolute path.
std::string reference(const std::string& argument);

/// Loads the jobs from a path, a bundled job's name, or standard input for `-`; with a cluster, `job` may
/// also be a model, and the result is the job that trains it there. @throws UsageError if there is no such
/// file or name, SpecError as load_jobs.
NamedJobs load_changed_jobs(const std::string& job, const JobChanges& changes,
                            Purpose purpose = Purpose::plan);

/// The only job that load_changed_jobs loads. @throws UsageError if there are several
/// @param command  that takes one job, for the message
JobSpec load_only_job(const std::string& job, const JobChanges& changes, const std::string& command,
                      Purpose purpose = Purpose::plan);

/// The text of a job file of its own for the only job that load_changed_jobs loads, with further overrides applied and
/// some keys removed (job_text.hpp).
std::string changed_job_text(const std::string& job, const JobChanges& changes,
                             const std::vector<Override>& further, const std::vector<std::string>& removed);

/// As load_changed_jobs, without --on.
std::vector<JobSpec> load_named_jobs(const std::string& job, const std::vector<Override>& overrides,
                                     Purpose purpose = Purpose::plan);

/// As load_named_jobs, for jobs with a measured step time; the bundled names are those of configs/measured.
std::vector<JobSpec> load_measured_jobs(const std::string& file, const std::vector<Override>& overrides);

}  // namespace foreshard::cli
