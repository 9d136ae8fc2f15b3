#pragma once

#include <string>
#include <vector>

#include "cli/options/numbers.hpp"
#include "cli/options/option.hpp"
#include "cli/terminal/color.hpp"
#include "planner/report/output_format.hpp"

namespace foreshard::cli {

/// Options that several commands share, with the same names and help texts.

/// In which form a command gives its answer.
struct OutputChoice {
  // A format alone is a choice: of a command that has no --html.
  OutputChoice(report::OutputFormat printed = report::OutputFormat::table) : format(printed) {}  // NOLINT

  report::OutputFormat format;  ///< of what is printed
  std::string html_file{};      ///< where the answer is also written as a page; empty: nowhere

  [[nodiscard]] bool has_page() const { return !html_file.empty() || format == report::OutputFormat::html; }
};

/// The option --format. Every command that has it supports every format.
OptionSpec format_option(report::OutputFormat& format);
/// --html FILE: the answer as a page as well.
OptionSpec html_option(OutputChoice& choice);
/// The option `--color`, which every command has.
OptionSpec color_option(ColorChoice& choice);
/// --set KEY=VALUE. @param whose  "the job", "every job"
OptionSpec set_option(std::vector<std::string>& settings, const std::string& whose = "the job");
OptionSpec threads_option(int& threads);
/// Bounds of --timeout, in seconds.
inline constexpr Bounds kTimeouts{.least = 1.0, .most = 1e6};
OptionSpec timeout_option(double& seconds);

}  // namespace foreshard::cli
