#pragma once

#include <filesystem>
#include <string>

#include "cli/terminal/environment_error.hpp"

namespace foreshard::cli {

/// A file that cannot be written: which call failed, the system's words for `error` (an errno), what to try.
EnvironmentError file_failure(const std::filesystem::path& file, const std::string& call, int error);

}  // namespace foreshard::cli
