// foreshard-run: executes steps under mpirun. Every rank parses the same command line; rank 0 alone prints.
// What is caught here ends the whole run.

#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <sstream>
#include <string>
#include <string_view>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/terminal/color.hpp"
#include "cli/commands/command.hpp"
#include "cli/options/command_line.hpp"
#include "cli/terminal/output.hpp"
#include "cli/commands/run_commands.hpp"
#include "planner/spec/yaml/diagnostic.hpp"
#include "planner/units/count.hpp"
#include "runtime/comm/end_run.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard::cli {
namespace {

bool speaks(const MpiSession& session) { return session.rank() == Rank(0); }

/// Help and version are results; everything else that the parser throws is a wrong command line.
int finish_parsing(const CLI::App& app, const CLI::ParseError& outcome, const MpiSession& session) {
  if (outcome.get_exit_code() != static_cast<int>(CLI::ExitCodes::Success))
    throw UsageError(describe_parse_error(app, outcome) + "\nsee: " + help_command(app));
  std::ostringstream text;
  std::ostringstream unused;
  app.exit(outcome, text, unused);
  if (speaks(session)) print_result(text.str());
  return static_cast<int>(ExitCode::done);
}

int run(const CLI::App& app, const RunCommand& command, const ColorChoice& color, MpiSession& session) {
  if (!command) throw UsageError(missing_command(app));
  const CommandResult result = command(session);
  const bool is_colored = result.is_table && wants_color(color, STDOUT_FILENO);
  if (speaks(session)) print_result(is_colored ? colored_table(result.output) : result.output);
  return static_cast<int>(result.code);
}

int parse_and_run(int argc, char** argv, MpiSession& session) {
  CLI::App app;
  RunCommand command;
  ColorChoice color;
  describe_foreshard_run(app, command, color);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& outcome) {
    return finish_parsing(app, outcome, session);
  }
  return run(app, command, color, session);
}

/// How long the ranks may take to meet: what the command line says of --timeout. It is parsed when they have.
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
    if (seconds >= 1.0) return Seconds(seconds);
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
  } catch (const UsageError& error) {
    end_run(session, kWrongInput, error.what());
  } catch (const CountOverflow& error) {
    end_run(session, kWrongInput, std::string("the job is too large to count: ") + error.what());
  } catch (const std::bad_alloc&) {
    end_run(session, kEnvironmentFailed, "out of memory");
  } catch (const std::exception& error) {
    end_run(session, kEnvironmentFailed, error.what());
  }
}
