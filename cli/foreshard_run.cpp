// foreshard-run: executes steps under mpirun. Every rank parses the same command line; rank 0 alone prints.
// An exception that is caught here ends the whole run.

#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "cli/commands/command.hpp"
#include "cli/commands/run_commands.hpp"
#include "cli/options/common_options.hpp"
#include "cli/options/parse_command_line.hpp"
#include "cli/terminal/color.hpp"
#include "cli/terminal/output.hpp"
#include "cli/terminal/terminal.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/report/table.hpp"
#include "planner/spec/yaml/diagnostic.hpp"
#include "planner/units/count.hpp"
#include "planner/units/result_error.hpp"
#include "runtime/comm/end_run.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard::cli {
namespace {

bool speaks(const MpiSession& session) { return session.rank() == Rank(0); }

int parse_and_run(int argc, char** argv, MpiSession& session) {
  ColorChoice color;
  const std::vector<RunCommand> commands = run_commands();
  const ParsedCommandLine parsed =
      parse_command_line(run_tool(commands, color), argc, argv, FORESHARD_VERSION, page_width(STDOUT_FILENO));
  if (parsed.page) {
    if (speaks(session)) print_result(*parsed.page);
    return static_cast<int>(ExitCode::done);
  }
  const report::PageWidth page(page_width(STDOUT_FILENO));
  const CommandResult result = commands[parsed.command].run(session);
  const bool is_colored = result.is_table && wants_color(color, STDOUT_FILENO);
  if (speaks(session)) {
    write_page(result);
    print_result(is_colored ? colored_table(result.output) : result.output);
  }
  return static_cast<int>(result.code);
}

/// How long the ranks may take to start: the value of --timeout. It is read here without the parser, because
/// the command line is parsed only after all ranks have started.
Seconds start_timeout(int argc, char** argv) {
  constexpr std::string_view kOption = "--timeout";
  constexpr Seconds kDefault(60.0);
  for (int i = 1; i < argc; ++i) {
    const std::string_view word(argv[i]);
    if (!word.starts_with(kOption)) continue;
    const char* value = nullptr;
    if (word.size() == kOption.size() && i + 1 < argc) value = argv[i + 1];
    if (word.size() > kOption.size() && word[kOption.size()] == '=') value = argv[i] + kOption.size() + 1;
    const double seconds = value == nullptr ? 0.0 : std::strtod(value, nullptr);
    // Invalid values are refused by the parser, after all ranks have started.
    if (seconds >= kTimeouts.least && seconds <= kTimeouts.most) return Seconds(seconds);
  }
  return kDefault;
}

std::string complaints(const SpecError& error) {
  const std::size_t problems = error.diagnostics().size();
  return format_diagnostics(error.diagnostics()) + std::to_string(problems) +
         (problems == 1 ? " problem" : " problems") + ", nothing run.";
}

}  // namespace
}  // namespace foreshard::cli

int main(int argc, char** argv) {
  using namespace foreshard;
  using namespace foreshard::cli;
  std::signal(SIGPIPE, SIG_IGN);
  MpiSession session(argc, argv, start_timeout(argc, argv));
  try {
    return parse_and_run(argc, argv, session);
  } catch (const SpecError& error) {
    end_run(session, kWrongInput, complaints(error));
  } catch (const RequestError& error) {
    end_run(session, kWrongInput, request_complaint(error));
  } catch (const UsageError& error) {
    end_run(session, kWrongInput, error.what());
  } catch (const ResultError& error) {
    end_run(session, kWrongInput, error.what());
  } catch (const CountOverflow& error) {
    end_run(session, kWrongInput, std::string("the job is too large to count: ") + error.what());
  } catch (const std::bad_alloc&) {
    end_run(session, kEnvironmentFailed, "out of memory");
  } catch (const std::exception& error) {
    end_run(session, kEnvironmentFailed, error.what());
  }
}
