#include "cli/commands/list.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands/bundled.hpp"
#include "cli/commands/count_parameters.hpp"
#include "cli/commands/list_json.hpp"
#include "cli/options/common_options.hpp"
#include "cli/options/target.hpp"
#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"
#include "planner/spec/load/load.hpp"

namespace foreshard::cli {
namespace {

using report::Align;
using report::Table;

Table models() {
  Table table({{"models", Align::left}, {"parameters"}, {"layers"}, {"hidden"}, {"", Align::left}});
  for (const std::string& name : bundled_names(ConfigKind::models)) {
    const ModelSpec model = load_model(name);
    table.row({"  " + name, report::grouped(count_parameters(model).value()), report::grouped(model.layers),
               report::grouped(model.hidden), model.name});
  }
  return table;
}

/// The rate that training mostly runs at: bf16, or the nearest that the device has.
std::string matrix_peak(const AcceleratorSpec& accelerator) {
  for (const DType type : {DType::bf16, DType::fp16, DType::tf32, DType::fp32, DType::fp64}) {
    const auto& rate = accelerator.gemm[static_cast<std::size_t>(type)];
    if (rate) return fmt::format("{} {}", report::with_unit(rate->peak), report::word_for(type));
  }
  return "–";
}

Table accelerators() {
  Table table({{"accelerators", Align::left},
               {"peak"},
               {"memory"},
               {"bandwidth"},
               {"power"},
               {"USD/h"},
               {"", Align::left}});
  for (const std::string& name : bundled_names(ConfigKind::accelerators)) {
    const AcceleratorSpec accelerator = load_accelerator(name);
    table.row({"  " + name, matrix_peak(accelerator), report::with_unit(accelerator.memory_capacity),
               report::with_unit(accelerator.memory_bandwidth),
               accelerator.power ? fmt::format("{:.0f} W", accelerator.power->value()) : "–",
               accelerator.price ? report::fixed(accelerator.price->value() * kHour.value(), 2) : "–",
               accelerator.full_name});
  }
  return table;
}

Table clusters() {
  Table table({{"clusters", Align::left},
               {"nodes"},
               {"devices per node"},
               {"accelerator", Align::left},
               {"network per device"}});
  for (const std::string& name : bundled_names(ConfigKind::clusters)) {
    const ClusterSpec cluster = load_cluster(name);
    table.row({"  " + name, report::grouped(cluster.nodes), report::grouped(cluster.devices_per_node),
               cluster.accelerator.name, report::in_bits(cluster.network.link.bandwidth)});
  }
  return table;
}

Table jobs() {
  Table table({{"jobs", Align::left}, {"model", Align::left}, {"devices"}, {"tp"}, {"pp"}, {"dp"}});
  for (const std::string& name : bundled_names(ConfigKind::jobs)) {
    for (const JobSpec& job : load_jobs(bundled_file(ConfigKind::jobs, name))) {
      table.row({"  " + name, job.model.name, report::grouped(job.cluster.devices()),
                 report::grouped(job.parallelism.tp), report::grouped(job.parallelism.pp),
                 report::grouped(job.parallelism.dp)});
    }
  }
  return table;
}

/// The accelerators of a file's jobs, each once.
std::string accelerators_of(const std::vector<JobSpec>& jobs) {
  std::vector<std::string> names;
  for (const JobSpec& job : jobs) {
    const std::string& name = job.cluster.accelerator.name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Table measured() {
  Table table({{"measured", Align::left}, {"cases"}, {"accelerator", Align::left}});
  for (const std::string& name : bundled_names(ConfigKind::measured)) {
    const std::vector<JobSpec> jobs = load_jobs(bundled_file(ConfigKind::measured, name));
    table.row({"  " + name, report::grouped(static_cast<std::int64_t>(jobs.size())), accelerators_of(jobs)});
  }
  return table;
}

Table list_of(ConfigKind kind) {
  switch (kind) {
    case ConfigKind::models: return models();
    case ConfigKind::accelerators: return accelerators();
    case ConfigKind::clusters: return clusters();
    case ConfigKind::measured: return measured();
    case ConfigKind::jobs: break;
  }
  return jobs();
}

struct ListOptions {
  std::string kind;
  bool names = false;
  std::string format = "table";
};

CommandResult run_list(const ListOptions& options) {
  std::vector<ConfigKind> kinds;
  for (const auto& [kind, word] : kKinds) {
    if (options.kind.empty() || options.kind == word) kinds.push_back(kind);
  }
  if (options.format == "json") {
    if (options.names) throw UsageError("--names is for lines of names: leave out --format json");
    return {.output = list_json(kinds)};
  }
  CommandResult result;
  for (const ConfigKind kind : kinds) {
    if (!options.names && !result.output.empty()) result.output += '\n';
    const std::vector<std::string> lines = options.names ? bundled_names(kind) : list_of(kind).lines();
    for (const std::string& line : lines) result.output += line + '\n';
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
                           format_option(options->format, {"table", "json"})},
               .examples = "foreshard list models\n"
                           "foreshard list jobs --names\n"
                           "foreshard list accelerators --format json\n"},
      .run = [options] { return run_list(*options); },
      .nothing_done = "nothing listed"};
}

}  // namespace foreshard::cli
