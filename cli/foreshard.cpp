// foreshard: plans distributed training. Parses the command line, runs one command, prints its result; the
// only place that catches.

#include <csignal>
#include <exception>
#include <iostream>
#include <new>
#include <sstream>
#include <string>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/terminal/color.hpp"
#include "cli/commands/command.hpp"
#include "cli/options/command_line.hpp"
#include "cli/commands/foreshard_commands.hpp"
#include "cli/terminal/output.hpp"
#include "planner/spec/yaml/diagnostic.hpp"
#include "planner/units/count.hpp"

namespace foreshard::cli {
namespace {

int status(ExitCode code) { return static_cast<int>(code); }

/// Help and version are results; everything else that the parser throws is a wrong command line.
int finish_parsing(const CLI::App& app, const CLI::ParseError& outcome) {
  if (outcome.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    std::ostringstream text;
    std::ostringstream unused;
    app.exit(outcome, text, unused);
    print_result(text.str());
    return status(ExitCode::done);
  }
  std::cerr << "error: " << describe_parse_error(app, outcome) << "\nsee: " << help_command(app) << '\n';
  return status(ExitCode::wrong_input);
}

int run(const CLI::App& app, const Command& command, const ColorChoice& color) {
  if (!command.run) throw UsageError(missing_command(app));
  const CommandResult result = command.run();
  const bool is_colored = result.is_table && wants_color(color, STDOUT_FILENO);
  print_result(is_colored ? colored_table(result.output) : result.output);
  return status(result.code);
}

void print_complaints(const std::string& text, const ColorChoice& color) {
  std::cerr << (wants_color(color, STDERR_FILENO) ? colored_complaints(text) : text);
}

int complain(ExitCode code, const std::string& message, const ColorChoice& color) {
  print_complaints("error: " + message + '\n', color);
  return status(code);
}

int complain(const SpecError& error, const Command& command, const ColorChoice& color) {
  const std::size_t problems = error.diagnostics().size();
  print_complaints(format_diagnostics(error.diagnostics()), color);
  std::cerr << problems << (problems == 1 ? " problem, " : " problems, ") << command.nothing_done << ".\n";
  return status(ExitCode::wrong_input);
}

}  // namespace
}  // namespace foreshard::cli

int main(int argc, char** argv) {
  using namespace foreshard;
  using namespace foreshard::cli;
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app;
  Command command;
  ColorChoice color;
  try {
    describe_foreshard(app, command, color);
    // Printing help can fail as printing a result can: hence one try within the other.
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& outcome) {
      return finish_parsing(app, outcome);
    }
    return run(app, command, color);
  } catch (const SpecError& error) {
    return complain(error, command, color);
  } catch (const UsageError& error) {
    return complain(ExitCode::wrong_input, error.what(), color);
  } catch (const CountOverflow& error) {
    return complain(ExitCode::wrong_input, std::string("the job is too large to count: ") + error.what(),
                    color);
  } catch (const std::bad_alloc&) {
    return complain(ExitCode::environment, "out of memory", color);
  } catch (const std::exception& error) {
    return complain(ExitCode::environment, error.what(), color);
  }
}
