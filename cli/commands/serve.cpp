#include "cli/commands/serve.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "cli/options/target.hpp"
#include "cli/serve/page_server.hpp"
#include "cli/terminal/environment_error.hpp"
#include "cli/terminal/interruption.hpp"
#include "cli/terminal/output.hpp"
#include "planner/spec/library/library.hpp"
#include "planner/spec/yaml/input_file.hpp"

namespace foreshard::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint16_t kPort = 8010;
constexpr std::size_t kMostPageMebibytes = 64;

struct ServeOptions {
  std::uint16_t port = kPort;
};

/// The planner's page: beside the bundled configs where it is installed, below build/ in the source tree.
std::string read_planner_page() {
  const fs::path folder = configs_directory().parent_path();
  for (const fs::path& file :
       {folder / "web" / "foreshard.html", folder / "build" / "web" / "foreshard.html"}) {
    std::error_code error;
    if (!fs::is_regular_file(file, error)) continue;
    try {
      return read_input(file, file.string(), kMostPageMebibytes);
    } catch (const InputError& failure) {
      throw EnvironmentError(fmt::format("{}: {}", file.string(), failure.what()));
    }
  }
  throw EnvironmentError(fmt::format(
      "the planner's page is not at {}: this foreshard was built without it. scripts/build_web.sh in the "
      "source tree builds it",
      (folder / "web" / "foreshard.html").string()));
}

CommandResult run_serve(const ServeOptions& options) {
  const std::atomic<bool>& stop = stop_on_interrupt();
  PageServer server(options.port, read_planner_page());
  print_result(
      fmt::format("The planner is at http://localhost:{}/ for browsers on this machine. Ctrl-C ends it.\n",
                  server.port()));
  server.run(stop);
  return {.output = {}};
}

}  // namespace

Command serve_command() {
  const auto options = std::make_shared<ServeOptions>();
  return {
      .spec = {.name = "serve",
               .summary = "Show the planner as a page in the browsers of this machine.",
               .options = {{.name = "--port",
                            .value = "N",
                            .help = fmt::format("On 127.0.0.1; 0 takes one that is free; default {}", kPort),
                            .target = whole_number(options->port, {.least = 0, .most = 65535})}},
               .notes = "The page plans in the browser: nothing is sent anywhere. It is the one that "
                        "scripts/build_web.sh\nbuilds, which also opens from a disk.\n",
               .examples = "foreshard serve\n"
                           "foreshard serve --port 0\n"},
      .run = [options] { return run_serve(*options); },
      .nothing_done = "nothing served"};
}

}  // namespace foreshard::cli
