#include "cli/commands/devices.hpp"

#include <memory>

#include "cli/options/common_options.hpp"
#include "planner/report/devices_record.hpp"
#include "planner/report/devices_table.hpp"
#include "runtime/study/find_devices.hpp"

namespace foreshard::cli {
namespace {

CommandResult run_devices(const MpiSession& session, report::OutputFormat format) {
  const LocalDevices found = find_devices(session);
  return result_of({.table = [&] { return devices_table(found); },
                    .record = [&] { return report::devices_record(found); }},
                   format);
}

}  // namespace

RunCommand devices_command() {
  const auto format = std::make_shared<report::OutputFormat>(report::OutputFormat::table);
  return {.spec = {.name = "devices",
                   .summary = "Say what jobs can run on here, and why something was not found.",
                   .options = {format_option(*format)},
                   .examples = "foreshard-run devices\n"},
          .run = [format](MpiSession& session) { return run_devices(session, *format); }};
}

}  // namespace foreshard::cli
