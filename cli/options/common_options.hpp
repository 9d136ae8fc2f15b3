#pragma once

#include <string>
#include <vector>

#include "cli/options/numbers.hpp"
#include "cli/options/option.hpp"
#include "cli/terminal/color.hpp"
#include "planner/report/output_format.hpp"

namespace foreshard::cli {

/// Options that several commands share, with the same names and help texts.

/// The option --format. Every command that has it supports every format.
OptionSpec format_option(report::OutputFormat& format);
/// The option `--color`, which every command has.
OptionSpec color_option(ColorChoice& choice);
/// --set KEY=VALUE. @param whose  "the job", "every job"
OptionSpec set_option(std::vector<std::string>& settings, const std::string& whose = "the job");
OptionSpec threads_option(int& threads);
/// Bounds of --timeout, in seconds.
inline constexpr Bounds kTimeouts{.least = 1.0, .most = 1e6};
OptionSpec timeout_option(double& seconds);

}  // namespace foreshard::cli
