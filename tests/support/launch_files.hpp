#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "planner/spec/load/load.hpp"

namespace foreshard::test {

/// The job of a launch file in tests/data/launch, with these keys added.
inline JobSpec launch_job(const std::string& name, const std::vector<Override>& overrides) {
  const std::filesystem::path folder = std::filesystem::path(FORESHARD_SOURCE_DIR) / "tests/data/launch";
  return load_jobs((folder / name).string(), overrides).front();
}

/// The complaints about a launch file of this name and text, one per line: "LINE:COLUMN PATH: MESSAGE; ALLOWED".
inline std::string launch_complaints(const std::string& name, const std::string& text,
                                     const std::vector<Override>& overrides = {}) {
  std::string found;
  try {
    (void)parse_jobs(text, name, overrides);
  } catch (const SpecError& error) {
    for (const Diagnostic& each : error.diagnostics())
      found += std::to_string(each.mark.line) + ":" + std::to_string(each.mark.column) + " " + each.path +
               ": " + each.message + "; " + each.allowed + "\n";
  }
  return found;
}

/// True if the job says that it leaves this out.
inline bool leaves_out(const JobSpec& job, const std::string& part) {
  return std::any_of(job.left_out.begin(), job.left_out.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

}  // namespace foreshard::test
