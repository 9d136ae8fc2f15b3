#include "cli/run_commands.hpp"

#include "cli/calibrate.hpp"
#include "cli/command_line.hpp"
#include "cli/devices.hpp"
#include "cli/sweep.hpp"
#include "cli/train.hpp"
#include "cli/validate.hpp"

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
