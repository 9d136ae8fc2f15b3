#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/options/offers.hpp"

namespace foreshard::cli {

/// An option or an argument as it was declared to the parser of the command line.
struct OptionDescription {
  std::string name;        ///< "--set"; of an argument, "JOB"
  std::string short_name;  ///< "-h"; mostly empty
  std::string value;       ///< what the value is called: "KEY=VALUE"; empty for flags and arguments
  std::string help;
  bool is_required = false;
  bool is_repeated = false;
  OfferedValues offered{};

  [[nodiscard]] bool takes_list() const { return value == "LIST"; }
};

struct CommandDescription {
  std::string name;
  std::string summary;
  std::vector<OptionDescription> arguments{};
  std::vector<OptionDescription> options{};
  std::string notes{};     ///< what is to be known beside; may be empty
  std::string examples{};  ///< command lines, one a line
};

/// All that a tool's help says, for those who write it down otherwise: reference, man page, completions.
struct ToolDescription {
  std::string name;
  std::string summary;
  std::vector<OptionDescription> options{};  ///< beside those of the commands
  std::vector<CommandDescription> commands{};
  std::string exit_codes{};  ///< one a line: "0  done"
};

ToolDescription describe(CLI::App& app);

/// "foreshard plan [options] JOB..."
std::string usage(const ToolDescription& tool, const CommandDescription& command);

}  // namespace foreshard::cli
