#include "cli/commands/list.hpp"

#include <memory>
#include <string>
#include <vector>

#include "cli/commands/bundled.hpp"
#include "cli/options/common_options.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/report/list_record.hpp"
#include "planner/report/list_table.hpp"
#include "planner/results/bundled_configs.hpp"

namespace foreshard::cli {
namespace {

struct ListOptions {
  std::string kind;
  bool names = false;
  report::OutputFormat format = report::OutputFormat::table;
};

CommandResult run_list(const ListOptions& options) {
  std::vector<ConfigKind> kinds;
  for (const auto& [kind, word] : kKinds) {
    if (options.kind.empty() || options.kind == word) kinds.push_back(kind);
  }
  if (!options.names) {
    const BundledConfigs configs = load_bundled_configs(kinds);
    return result_of({.table = [&] { return list_table(configs); },
                      .record = [&] { return report::list_record(configs); }},
                     options.format);
  }
  if (options.format != report::OutputFormat::table)
    throw UsageError("--names is for lines of names: leave out --format");
  CommandResult result;
  for (const ConfigKind kind : kinds) {
    for (const std::string& name : bundled_names(kind)) result.output += name + '\n';
  }
  return result;
}

}  // namespace

Command list_command() {
  const auto options = std::make_shared<ListOptions>();
  return {
      .spec = {.name = "list",
               .summary = "Name the bundled models, accelerators, clusters, jobs and measurements.",
               .arguments = {{.name = "KIND",
                              .help = "models, accelerators, clusters, jobs or measured; all of them if not "
                                      "said",
                              .target = word(options->kind, kind_words())}},
               .options = {{.name = "--names",
                            .help = "The names alone, one a line, for scripts",
                            .target = flag(options->names)},
                           format_option(options->format)},
               .examples = "foreshard list models\n"
                           "foreshard list jobs --names\n"
                           "foreshard list accelerators --format json\n"},
      .run = [options] { return run_list(*options); },
      .nothing_done = "nothing listed"};
}

}  // namespace foreshard::cli
