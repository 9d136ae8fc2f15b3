#include "cli/commands/show.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/commands/bundled.hpp"
#include "cli/options/suggestion.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/environment_error.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/spec/job/job_schema_json.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/yaml/input_file.hpp"

namespace foreshard::cli {
namespace {

std::string read(const std::filesystem::path& file) {
  try {
    std::string text = read_input(file, file.string(), kMostSpecMebibytes);
    if (!text.empty() && text.back() != '\n') text += '\n';
    return text;
  } catch (const InputError& error) {
    throw EnvironmentError(fmt::format("{}: {}", file.string(), error.what()));
  }
}

constexpr const char* kSchema = "schema";

/// Prints a bundled config. `wanted` is its name; or `models/name` if two kinds have the same name; or
/// `schema` for the JSON Schema of job files.
CommandResult run_show(const std::string& wanted) {
  CommandResult result;
  if (wanted == kSchema) {
    result.output = job_schema_json();
    return result;
  }
  std::vector<std::string> all_names{kSchema};
  for (const auto& [kind, word] : kKinds) {
    for (const std::string& name : bundled_names(kind)) {
      all_names.push_back(name);
      if (wanted != name && wanted != fmt::format("{}/{}", word, name)) continue;
      const std::filesystem::path file = bundled_file(kind, name);
      // Comments and document separators keep the output valid YAML, which the tools can read again.
      if (!result.output.empty()) result.output += "---\n";
      result.output += fmt::format("# {}\n{}", file.string(), read(file));
    }
  }
  if (result.output.empty()) {
    throw UsageError(
        fmt::format("no bundled model, accelerator, cluster, job or measurement is called '{}'{}", wanted,
                    suggestion(wanted, all_names)));
  }
  return result;
}

}  // namespace

Command show_command() {
  const auto name = std::make_shared<std::string>();
  return {
      .spec = {.name = "show",
               .summary = "Print the YAML file of a bundled config, with its path.",
               .arguments = {{.name = "NAME",
                              .help = "A name of `foreshard list`, KIND/NAME where two share it, or schema",
                              .is_required = true,
                              .offer = Offer::configs,
                              .target = text(*name)}},
               .examples = "foreshard show llama3-70b\n"
                           "foreshard show clusters/dgx-h100 > my-cluster.yaml\n"
                           "foreshard show schema > foreshard-job.schema.json\n"},
      .run = [name] { return run_show(*name); },
      .nothing_done = "nothing shown"};
}

}  // namespace foreshard::cli
