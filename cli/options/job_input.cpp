#include "cli/options/job_input.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "cli/commands/command.hpp"
#include "cli/options/command_line.hpp"
#include "planner/spec/yaml/input_file.hpp"

namespace foreshard::cli {
namespace {

Override parse_setting(const std::string& setting) {
  const auto equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(fmt::format("--set takes key=value, as in parallelism.tp=4, not '{}'", setting));
  }
  return {.path = setting.substr(0, equals), .value = setting.substr(equals + 1)};
}

/// The file of an argument: a path, or the name of a bundled config of this kind.
std::filesystem::path file_of(const std::string& argument, ConfigKind kind) {
  const char* const noun = kind == ConfigKind::measured ? "bundled measurement" : "bundled job";
  std::error_code no_error;
  if (std::filesystem::is_directory(argument, no_error)) {
    throw UsageError(fmt::format("'{}' is a directory, not a file of jobs", argument));
  }
  if (std::filesystem::exists(argument, no_error)) return argument;
  const auto bundled = bundled_names(kind);
  if (std::find(bundled.begin(), bundled.end(), argument) != bundled.end()) {
    return bundled_file(kind, argument);
  }
  const std::string name = std::filesystem::path(argument).stem().string();
  throw UsageError(
      fmt::format("there is neither a file nor a {} '{}'{}", noun, argument, suggestion(name, bundled)));
}

std::string standard_input() {
  try {
    return read_standard_input(kMostSpecMebibytes);
  } catch (const InputError& error) {
    throw UsageError(fmt::format("<stdin>: {}", error.what()));
  }
}

std::vector<JobSpec> load(const std::string& argument, ConfigKind kind,
                          const std::vector<Override>& overrides, Purpose purpose) {
  if (argument != "-") return load_jobs(file_of(argument, kind), overrides, purpose);
  return parse_jobs(standard_input(), "<stdin>", overrides, purpose);
}

}  // namespace

std::vector<Override> parse_settings(const std::vector<std::string>& settings) {
  std::vector<Override> overrides;
  for (const std::string& setting : settings) overrides.push_back(parse_setting(setting));
  return overrides;
}

std::vector<JobSpec> load_named_jobs(const std::string& job, const std::vector<Override>& overrides) {
  return load(job, ConfigKind::jobs, overrides, Purpose::plan);
}

std::vector<JobSpec> load_measured_jobs(const std::string& file, const std::vector<Override>& overrides) {
  return load(file, ConfigKind::measured, overrides, Purpose::score);
}

}  // namespace foreshard::cli
