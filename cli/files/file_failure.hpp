#pragma once

#include <filesystem>
#include <string>

#include "cli/terminal/environment_error.hpp"

namespace foreshard::cli {

/// The error for a file that cannot be written: the call that failed, the system's text for `error` (an
/// errno), and what to try.
EnvironmentError file_failure(const std::filesystem::path& file, const std::string& call, int error);

}  // namespace foreshard::cli
