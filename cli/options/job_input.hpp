#pragma once

#include <string>
#include <vector>

#include "planner/spec/job/job_spec.hpp"
#include "planner/spec/yaml/load.hpp"

namespace foreshard::cli {

/// What to say of an argument that load_named_jobs takes.
inline constexpr const char* kJobHelp = "A job file, the name of a bundled job, or - for standard input";

/// Each `--set` as key=value. @throws UsageError for anything else.
std::vector<Override> parse_settings(const std::vector<std::string>& settings);

/// The jobs of a path, of a bundled job by its name, or of standard input for `-`. @throws UsageError where
/// there is no such thing, SpecError as load_jobs.
std::vector<JobSpec> load_named_jobs(const std::string& job, const std::vector<Override>& overrides);

/// The same for jobs with a measured step time; the bundled names are those of configs/measured.
std::vector<JobSpec> load_measured_jobs(const std::string& file, const std::vector<Override>& overrides);

}  // namespace foreshard::cli
