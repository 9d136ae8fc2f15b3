// foreshard-reference: writes reference pages, manuals and completion scripts from the declarations of the
// tools' command lines, for the build and for scripts/update_reference.sh. It is not installed.
//
//   foreshard-reference PAGE            PAGE: commands, keys, or WHAT/TOOL with WHAT man, bash, zsh or fish,
//                                       such as man/foreshard-run
//   foreshard-reference PAGE FILE       the same, written to a file

#include <algorithm>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/commands/foreshard_commands.hpp"
#include "cli/commands/tool_commands.hpp"
#include "cli/files/output_file.hpp"
#include "cli/pages/command_reference.hpp"
#include "cli/pages/completion.hpp"
#include "cli/pages/man_page.hpp"
#include "cli/terminal/output.hpp"
#include "planner/report/key_reference.hpp"
#ifdef FORESHARD_WITH_RUN
#include "cli/commands/run_commands.hpp"
#endif

namespace foreshard::cli {
namespace {

std::vector<ToolSpec> described_tools() {
  ColorChoice color;
  std::vector<ToolSpec> tools{foreshard_tool(tool_commands(), color)};
#ifdef FORESHARD_WITH_RUN
  tools.push_back(run_tool(run_commands(), color));
#endif
  return tools;
}

ToolSpec described_tool(const std::string& name) {
  const std::vector<ToolSpec> tools = described_tools();
  const auto found =
      std::find_if(tools.begin(), tools.end(), [&](const ToolSpec& tool) { return tool.name == name; });
  if (found == tools.end()) throw std::invalid_argument("there is no tool '" + name + "'");
  return *found;
}

std::string page(const std::string& wanted) {
  if (wanted == "commands") return command_reference(described_tools());
  if (wanted == "keys") return key_reference();
  const std::size_t slash = wanted.find('/');
  const std::string what = wanted.substr(0, slash);
  if (slash == std::string::npos) throw std::invalid_argument("there is no page '" + wanted + "'");
  const ToolSpec tool = described_tool(wanted.substr(slash + 1));
  if (what == "man") return man_page(tool, FORESHARD_VERSION);
  if (what == "bash") return bash_completion(tool, job_keys_with_words());
  if (what == "zsh") return zsh_completion(tool, job_keys_with_words());
  if (what == "fish") return fish_completion(tool, job_keys_with_words());
  throw std::invalid_argument("there is no page '" + wanted + "'");
}

void write(const std::string& text, const std::string& file) {
  OutputFile out(file);
  out.stream() << text;
  out.finish();
}

}  // namespace
}  // namespace foreshard::cli

int main(int argc, char** argv) {
  try {
    if (argc < 2 || argc > 3) throw std::invalid_argument("usage: foreshard-reference PAGE [FILE]");
    const std::string text = foreshard::cli::page(argv[1]);
    if (argc == 3) {
      foreshard::cli::write(text, argv[2]);
    } else {
      foreshard::cli::print_result(text);
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 2;
  }
}
