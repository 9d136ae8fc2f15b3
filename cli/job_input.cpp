#include "cli/job_input.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/command_line.hpp"

namespace foreshard::cli {
namespace {

Override parse_setting(const std::string& setting) {
  const auto equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(fmt::format("--set takes key=value, as in parallelism.tp=4, not '{}'", setting));
  }
  return {.path = setting.substr(0, equals), .value = setting.substr(equals + 1)};
}

}  // namespace

std::vector<Override> parse_settings(const std::vector<std::string>& settings) {
  std::vector<Override> overrides;
  for (const std::string& setting : settings) overrides.push_back(parse_setting(setting));
  return overrides;
}

std::vector<JobSpec> load_named_jobs(const std::string& job, const std::vector<Override>& overrides) {
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

}  // namespace foreshard::cli
