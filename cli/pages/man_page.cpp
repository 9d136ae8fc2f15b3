#include "cli/pages/man_page.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

#include "cli/options/help.hpp"

namespace foreshard::cli {
namespace {

/// Escapes text for roff, so that no line is read as a request and hyphens stay the character that people
/// type.
std::string roff(std::string_view text) {
  std::string escaped;
  bool at_line_start = true;
  for (const char c : text) {
    if (at_line_start && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
    at_line_start = c == '\n';
  }
  return escaped;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

/// A sentence in the form of the line under NAME: "Plan the training." becomes "plan the training".
std::string title_words(std::string sentence) {
  if (sentence.ends_with('.')) sentence.pop_back();
  if (!sentence.empty())
    sentence.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(sentence.front())));
  return sentence;
}

std::string entry(const OptionSpec& option) {
  std::string names = fmt::format("\\fB{}\\fR", roff(option.name));
  if (!option.short_name.empty()) names = fmt::format("\\fB{}\\fR, {}", roff(option.short_name), names);
  if (!option.value.empty()) names += fmt::format(" \\fI{}\\fR", roff(option.value));
  return fmt::format(".TP\n{}\n{}\n", names, roff(option.help));
}

std::string examples(const std::string& lines) {
  return fmt::format(".PP\n.RS\n.nf\n{}.fi\n.RE\n", roff(lines));
}

std::string section(const ToolSpec& tool, const CommandSpec& command) {
  std::string text = fmt::format(".SS {}\n{}\n", roff(usage(tool, command)), roff(command.summary));
  for (const OptionSpec& argument : command.arguments) text += entry(argument);
  for (const OptionSpec& option : command.options) {
    if (option.name != "--help") text += entry(option);
  }
  if (!command.notes.empty()) text += ".PP\n" + roff(command.notes) + "\n";
  if (!command.examples.empty()) text += examples(command.examples);
  return text;
}

std::string exit_status(const std::string& codes) {
  std::string text = ".SH EXIT STATUS\n";
  std::istringstream lines(codes);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t blank = line.find(' ');
    text += fmt::format(".TP\n.B {}\n{}\n", line.substr(0, blank),
                        roff(line.substr(line.find_first_not_of(' ', blank))));
  }
  return text;
}

constexpr const char* kEnvironment = R"(.SH ENVIRONMENT
.TP
.B FORESHARD_CONFIGS
The directory of the bundled configs, in place of the installed one
.TP
.B NO_COLOR
Where it is set and not empty, nothing is coloured but by
.B \-\-color=always
)";
constexpr const char* kRunnersEnvironment = R"(.TP
.B FORESHARD_CUDA_LIBRARY
The library of the runtime on GPUs, where it is not installed with the tool
)";
constexpr const char* kFiles = R"(.SH FILES
.TP
.I ../share/foreshard/configs
From the tool's own directory: models, accelerators, clusters, jobs and measured runs that are known by name
.SH SEE ALSO
)";

}  // namespace

std::string man_page(const ToolSpec& tool, const std::string& version) {
  const bool is_planner = tool.name == "foreshard";
  std::string text = fmt::format(".TH {} 1 \"\" \"foreshard {}\" \"User Commands\"\n.ad l\n.nh\n",
                                 roff(upper(tool.name)), version);
  text += fmt::format(".SH NAME\n{} \\- {}\n", roff(tool.name), roff(title_words(tool.summary)));
  text += fmt::format(".SH SYNOPSIS\n{}\\fB{}\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n",
                      is_planner ? "" : "\\fBmpirun\\fR \\fB\\-n\\fR \\fIRANKS\\fR ", roff(tool.name));
  text += fmt::format(".SH DESCRIPTION\n{}\n", roff(tool.summary));
  text += ".SH OPTIONS\n";
  for (const OptionSpec& option : tool.options) text += entry(option);
  text += ".SH COMMANDS\n";
  for (const CommandSpec& command : tool.commands) text += section(tool, command);
  text += exit_status(std::string(kExitCodes));
  text += kEnvironment;
  if (!is_planner) text += kRunnersEnvironment;
  text += kFiles;
  text += is_planner ? ".BR foreshard\\-run (1)\n" : ".BR foreshard (1),\n.BR mpirun (1)\n";
  return text;
}

}  // namespace foreshard::cli
