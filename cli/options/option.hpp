#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace foreshard::cli {

/// What a shell offers in the place of a value. Bundled names come with files.
enum class Offer : std::uint8_t {
  nothing,
  files,
  jobs,
  clusters,
  measured,
  configs,  ///< the names of all kinds
  keys      ///< of a job, as --set takes them
};

/// The word that the completion scripts have for it; empty for nothing.
std::string_view word_for(Offer offer);

/// What happens to the text of an option or argument. cli/options/target.hpp makes them.
struct Target {
  /// Reads one text; of a flag, an empty one. @throws UsageError that begins with the option's name
  std::function<void(const std::string& option, const std::string& text)> read{};
  std::vector<std::string> words{};  ///< that a value may be, or that a shell offers for a list
  bool is_repeated = false;          ///< may be given several times
};

/// An option or an argument of a command.
struct OptionSpec {
  std::string name;          ///< "--set"; of an argument, "JOB"
  std::string short_name{};  ///< "-h"; mostly empty
  std::string value{};       ///< what the value is called: "KEY=VALUE"; empty for flags and arguments
  std::string help{};
  bool is_required = false;
  Offer offer = Offer::nothing;
  Target target{};

  [[nodiscard]] bool is_flag() const { return value.empty() && name.starts_with('-'); }
  [[nodiscard]] bool takes_list() const { return value == "LIST"; }
};

struct CommandSpec {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> arguments{};
  std::vector<OptionSpec> options{};
  std::string notes{};     ///< what is to be known beside; may be empty
  std::string examples{};  ///< command lines, one a line
};

/// A tool's command line: what its parser, its help, its manual, its reference and its completions are made
/// from.
struct ToolSpec {
  std::string name;
  std::string summary;
  std::string examples{};
  std::vector<OptionSpec> options{};  ///< of the tool itself
  std::vector<CommandSpec> commands{};
};

/// "0  done" and so on, one a line.
inline constexpr std::string_view kExitCodes =
    "0  done\n"
    "1  the answer is no: a job does not fit, a run is not as predicted\n"
    "2  the input or the command line is wrong\n"
    "3  the machine failed\n";

/// Adds what all commands have: --help first, and `common` last; and gives the tool --help and --version.
void finish_tool(ToolSpec& tool, const std::vector<OptionSpec>& common);

}  // namespace foreshard::cli
