#include "cli/commands/run_commands.hpp"

#include "cli/commands/calibrate.hpp"
#include "cli/options/command_line.hpp"
#include "cli/commands/devices.hpp"
#include "cli/commands/sweep.hpp"
#include "cli/commands/train.hpp"
#include "cli/commands/validate.hpp"

namespace foreshard::cli {
namespace {

constexpr const char* kExample =
    "Example:\n"
    "  mpirun -n 2 foreshard-run validate tiny-llama-laptop\n"
    "  foreshard-run validate --help\n"
    "\n";

}  // namespace

void describe_foreshard_run(CLI::App& app, RunCommand& command, ColorChoice& color) {
  app.description(
      "Run a training step for real, one rank per device, and see how far its prediction is off.");
  describe_tool(app, "foreshard-run", kExample);
  for (const auto add : {add_validate, add_sweep, add_train, add_calibrate, add_devices}) add(app, command);
  add_color_options(app, color);
  finish_tool(app);
}

}  // namespace foreshard::cli
