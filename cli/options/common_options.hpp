#pragma once

#include <string>
#include <vector>

#include "cli/options/numbers.hpp"
#include "cli/options/option.hpp"

namespace foreshard::cli {

/// Options that several commands have, each in the same words.

/// --format: one of these, the first of which is the default.
OptionSpec format_option(std::string& format, std::vector<std::string> formats);
/// --set KEY=VALUE. @param whose  "the job", "every job"
OptionSpec set_option(std::vector<std::string>& settings, const std::string& whose = "the job");
OptionSpec threads_option(int& threads);
/// Of --timeout, in seconds.
inline constexpr Bounds kTimeouts{.least = 1.0, .most = 1e6};
OptionSpec timeout_option(double& seconds);

}  // namespace foreshard::cli
