#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "planner/spec/load/load.hpp"

namespace foreshard {

/// The text of a job file that stands by itself and says what the only job of `file` says, with overrides applied, some
/// keys (dotted paths) removed, and what was measured left out. Paths to models and clusters become absolute. Comments
/// are lost.
/// @throws SpecError with every complaint of the file, as load_jobs @pre the file holds one job
std::string load_job_text(const std::filesystem::path& file, const std::vector<Override>& overrides,
                          const std::vector<std::string>& removed);

/// The same of a text that is not in a file, as parse_jobs.
std::string parse_job_text(const std::string& text, const std::string& name,
                           const std::vector<Override>& overrides, const std::vector<std::string>& removed);

}  // namespace foreshard
