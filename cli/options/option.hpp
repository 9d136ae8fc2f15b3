#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace foreshard::cli {

/// What a shell offers when it completes a value. Where it offers bundled names, it also offers files.
enum class Offer : std::uint8_t {
  nothing,
  files,
  jobs,
  clusters,
  measured,
  configs,  ///< names of all kinds of bundled configs
  keys      ///< keys of a job, as --set takes them
};

/// The word that the completion scripts use for an offer; empty for Offer::nothing.
std::string_view word_for(Offer offer);

/// What is done with the text of an option or argument. cli/options/target.hpp makes targets.
struct Target {
  /// Reads one text, which is empty for a flag. @throws UsageError with a message that begins with the
  /// option's name
  std::function<void(const std::string& option, const std::string& text)> read{};
  std::vector<std::string> words{};  ///< words that are allowed, or that a shell offers for a list
  bool is_repeated = false;          ///< the option may be given several times
};

/// An option or an argument of a command.
struct OptionSpec {
  std::string name;          ///< "--set"; for an argument, "JOB"
  std::string short_name{};  ///< "-h"; usually empty
  std::string value{};       ///< name of the value in help: "KEY=VALUE"; empty for flags and arguments
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
  std::string notes{};     ///< further information for the help text; may be empty
  std::string examples{};  ///< command lines, one per line
};

/// The declaration of a tool's command line, from which its parser, help, manual, reference and completions
/// are made.
struct ToolSpec {
  std::string name;
  std::string summary;
  std::string examples{};
  std::vector<OptionSpec> options{};  ///< options of the tool itself, outside its commands
  std::vector<CommandSpec> commands{};
};

/// The exit codes with their meanings, one per line; see cli/terminal/exit_code.hpp.
inline constexpr std::string_view kExitCodes =
    "0  done\n"
    "1  the answer is no: a job does not fit, a run is not as predicted\n"
    "2  the input or the command line is wrong\n"
    "3  the machine failed\n";

/// Adds to every command the options that all have: --help first and `common` last. Gives the tool --help and
/// --version.
void finish_tool(ToolSpec& tool, const std::vector<OptionSpec>& common);

}  // namespace foreshard::cli
