#include "cli/commands/foreshard_commands.hpp"

#include "cli/options/command_line.hpp"
#include "cli/commands/compare.hpp"
#include "cli/commands/list.hpp"
#include "cli/commands/plan.hpp"
#include "cli/commands/score.hpp"
#include "cli/commands/show.hpp"
#include "cli/commands/simulate.hpp"

namespace foreshard::cli {
namespace {

constexpr const char* kExample =
    "Example:\n"
    "  foreshard plan llama3-70b-64h100\n"
    "  foreshard plan --help\n"
    "\n";

}  // namespace

void describe_foreshard(CLI::App& app, Command& command, ColorChoice& color) {
  app.description("Plan the training of large language models on many devices, before money is spent.");
  describe_tool(app, "foreshard", kExample);
  for (const auto add : {add_plan, add_compare, add_simulate, add_score, add_list, add_show})
    add(app, command);
  add_color_options(app, color);
  finish_tool(app);
}

}  // namespace foreshard::cli
