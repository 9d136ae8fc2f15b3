#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace foreshard::cli {

/// Ends every help text.
inline constexpr const char* kExitCodes =
    "Exit codes:\n"
    "  0  done\n"
    "  1  the answer is no: a job does not fit, a run is not as predicted\n"
    "  2  the input or the command line is wrong\n"
    "  3  the machine failed";

/// Name, version, help and how they are laid out: alike for both tools.
void describe_tool(CLI::App& app, const std::string& name, const std::string& example);

/// The rest, once all commands are there.
void finish_tool(CLI::App& app);

/// An option's value must be one of these; the complaint names them and the nearest.
CLI::Validator one_of(const std::vector<std::string>& allowed);

/// "a command is missing: plan or list; see: foreshard --help"
std::string missing_command(const CLI::App& app);

/// "; did you mean 'plan'?", or nothing where no candidate is near.
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates);

/// What is wrong with a command line that CLI11 refused, in one line: an unknown command or option comes with
/// the nearest that there is.
std::string describe_parse_error(const CLI::App& app, const CLI::ParseError& error);

/// "foreshard plan --help": where to read about what the command line tried.
std::string help_command(const CLI::App& app);

}  // namespace foreshard::cli
