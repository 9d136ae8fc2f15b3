// foreshard: plans distributed training. Parses the command line, runs one command and prints its result.
// This is the only place of the tool where exceptions are caught.

#include <csignal>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <unistd.h>
#include <vector>

#include "cli/commands/command.hpp"
#include "cli/commands/foreshard_commands.hpp"
#include "cli/commands/tool_commands.hpp"
#include "cli/options/parse_command_line.hpp"
#include "cli/terminal/color.hpp"
#include "cli/terminal/output.hpp"
#include "cli/terminal/terminal.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/report/table.hpp"
#include "planner/spec/yaml/diagnostic.hpp"
#include "planner/units/count.hpp"
#include "planner/units/result_error.hpp"

namespace foreshard::cli {
namespace {

int status(ExitCode code) { return static_cast<int>(code); }

int run(const Command& command, const ColorChoice& color) {
  const CommandResult result = command.run();
  write_page(result);
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

int complain(const SpecError& error, const std::string& nothing_done, const ColorChoice& color) {
  const std::size_t problems = error.diagnostics().size();
  print_complaints(format_diagnostics(error.diagnostics()), color);
  std::cerr << problems << (problems == 1 ? " problem, " : " problems, ") << nothing_done << ".\n";
  return status(ExitCode::wrong_input);
}

}  // namespace
}  // namespace foreshard::cli

int main(int argc, char** argv) {
  using namespace foreshard;
  using namespace foreshard::cli;
  std::signal(SIGPIPE, SIG_IGN);
  ColorChoice color;
  std::string nothing_done = "nothing done";
  try {
    const std::vector<Command> commands = tool_commands();
    const ParsedCommandLine parsed = parse_command_line(foreshard_tool(commands, color), argc, argv,
                                                        FORESHARD_VERSION, page_width(STDOUT_FILENO));
    if (parsed.page) {
      print_result(*parsed.page);
      return status(ExitCode::done);
    }
    const report::PageWidth page(page_width(STDOUT_FILENO));
    nothing_done = commands[parsed.command].nothing_done;
    return run(commands[parsed.command], color);
  } catch (const SpecError& error) {
    return complain(error, nothing_done, color);
  } catch (const RequestError& error) {
    return complain(ExitCode::wrong_input, request_complaint(error), color);
  } catch (const UsageError& error) {
    return complain(ExitCode::wrong_input, error.what(), color);
  } catch (const ResultError& error) {
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
