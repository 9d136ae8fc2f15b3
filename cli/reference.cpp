// foreshard-reference: writes what the tools' own declarations say as pages, for the build and for
// scripts/update_reference.sh. It is not installed.

#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/command_reference.hpp"
#include "cli/foreshard_commands.hpp"
#include "cli/output.hpp"
#include "cli/tool_description.hpp"
#include "planner/report/key_reference.hpp"
#ifdef FORESHARD_WITH_RUN
#include "cli/run_commands.hpp"
#endif

namespace foreshard::cli {
namespace {

std::vector<ToolDescription> described_tools() {
  std::vector<ToolDescription> tools;
  CLI::App planner;
  Command command;
  describe_foreshard(planner, command);
  tools.push_back(describe(planner));
#ifdef FORESHARD_WITH_RUN
  CLI::App runner;
  RunCommand run_command;
  describe_foreshard_run(runner, run_command);
  tools.push_back(describe(runner));
#endif
  return tools;
}

std::string page(const std::string& wanted) {
  const std::map<std::string, std::function<std::string()>> pages = {
      {"commands", [] { return command_reference(described_tools()); }},
      {"keys", [] { return key_reference(); }},
  };
  const auto found = pages.find(wanted);
  if (found == pages.end()) throw std::invalid_argument("there is no page '" + wanted + "'");
  return found->second();
}

}  // namespace
}  // namespace foreshard::cli

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::invalid_argument("usage: foreshard-reference PAGE");
    foreshard::cli::print_result(foreshard::cli::page(argv[1]));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 2;
  }
}
