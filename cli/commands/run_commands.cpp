#include "cli/commands/run_commands.hpp"

#include "cli/commands/calibrate.hpp"
#include "cli/commands/devices.hpp"
#include "cli/commands/search_on_ranks.hpp"
#include "cli/commands/sweep.hpp"
#include "cli/commands/train.hpp"
#include "cli/commands/validate.hpp"
#include "cli/options/common_options.hpp"

namespace foreshard::cli {

std::vector<RunCommand> run_commands() {
  return {validate_command(),  sweep_command(),           train_command(),
          calibrate_command(), search_on_ranks_command(), devices_command()};
}

ToolSpec run_tool(const std::vector<RunCommand>& commands, ColorChoice& color) {
  ToolSpec tool{
      .name = "foreshard-run",
      .summary = "Run a training step for real, one rank per device, and see how far its prediction is off.",
      .examples =
          "mpirun -n 2 foreshard-run validate tiny-llama-laptop\n"
          "foreshard-run help validate\n"};
  for (const RunCommand& command : commands) tool.commands.push_back(command.spec);
  finish_tool(tool, {color_option(color)});
  return tool;
}

}  // namespace foreshard::cli
