#include "cli/commands/tool_commands.hpp"

#include "cli/commands/foreshard_commands.hpp"
#include "cli/commands/serve.hpp"

namespace foreshard::cli {

std::vector<Command> tool_commands() {
  std::vector<Command> commands = foreshard_commands();
  commands.push_back(serve_command());
  return commands;
}

}  // namespace foreshard::cli
