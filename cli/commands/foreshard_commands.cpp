#include "cli/commands/foreshard_commands.hpp"

#include "cli/commands/buy.hpp"
#include "cli/commands/compare.hpp"
#include "cli/commands/diagnose.hpp"
#include "cli/commands/explain.hpp"
#include "cli/commands/export.hpp"
#include "cli/commands/import.hpp"
#include "cli/commands/list.hpp"
#include "cli/commands/plan.hpp"
#include "cli/commands/score.hpp"
#include "cli/commands/search.hpp"
#include "cli/commands/show.hpp"
#include "cli/commands/simulate.hpp"
#include "cli/options/common_options.hpp"

namespace foreshard::cli {

std::vector<Command> foreshard_commands() {
  return {plan_command(),   compare_command(), search_command(),   explain_command(),
          buy_command(),    export_command(),  simulate_command(), diagnose_command(),
          import_command(), score_command(),   list_command(),     show_command()};
}

ToolSpec foreshard_tool(const std::vector<Command>& commands, ColorChoice& color) {
  ToolSpec tool{
      .name = "foreshard",
      .summary = "Plan the training of large language models on many devices, before money is spent.",
      .examples =
          "foreshard plan llama3-70b-64h100\n"
          "foreshard plan llama3-70b --on dgx-h100 --nodes 8 --tp 8 --pp 4\n"
          "foreshard help plan\n"};
  for (const Command& command : commands) tool.commands.push_back(command.spec);
  finish_tool(tool, {color_option(color)});
  return tool;
}

}  // namespace foreshard::cli
