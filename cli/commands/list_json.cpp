#include "cli/commands/list_json.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "cli/commands/bundled.hpp"
#include "cli/commands/count_parameters.hpp"
#include "planner/report/field_json.hpp"
#include "planner/report/words.hpp"

namespace foreshard::cli {
namespace {

using report::Json;

Json model(const std::string& name) {
  const ModelSpec model = load_model(name);
  return {{"name", name},
          {"full_name", model.name},
          {"parameters", count_parameters(model).value()},
          {"layers", model.layers},
          {"hidden", model.hidden}};
}

Json accelerator(const std::string& name) {
  const AcceleratorSpec accelerator = load_accelerator(name);
  Json peaks = Json::object();
  for (std::size_t type = 0; type < accelerator.gemm.size(); ++type) {
    const auto& rate = accelerator.gemm[type];
    if (rate) peaks[std::string(report::word_for(static_cast<DType>(type)))] = rate->peak.value();
  }
  return {{"name", name},
          {"full_name", accelerator.full_name},
          {"peak_flops_per_s", peaks},
          {"memory_bytes", accelerator.memory_capacity.value()},
          {"memory_bytes_per_s", accelerator.memory_bandwidth.value()}};
}

Json cluster(const std::string& name) {
  const ClusterSpec cluster = load_cluster(name);
  return {{"name", name},
          {"nodes", cluster.nodes},
          {"devices_per_node", cluster.devices_per_node},
          {"accelerator", cluster.accelerator.name},
          {"network_bytes_per_s", cluster.network.link.bandwidth.value()}};
}

Json jobs(const std::string& name) {
  Json list = Json::array();
  for (const JobSpec& job : load_jobs(bundled_file(ConfigKind::jobs, name)))
    list.push_back({{"name", name},
                    {"model", job.model.name},
                    {"devices", job.cluster.devices()},
                    {"tp", job.parallelism.tp},
                    {"pp", job.parallelism.pp},
                    {"dp", job.parallelism.dp}});
  return list;
}

Json measured(const std::string& name) {
  const std::vector<JobSpec> cases = load_jobs(bundled_file(ConfigKind::measured, name));
  std::set<std::string> accelerators;
  for (const JobSpec& job : cases) accelerators.insert(job.cluster.accelerator.name);
  return {{"name", name}, {"cases", cases.size()}, {"accelerators", accelerators}};
}

Json configs(ConfigKind kind) {
  Json list = Json::array();
  for (const std::string& name : bundled_names(kind)) {
    switch (kind) {
      case ConfigKind::models: list.push_back(model(name)); break;
      case ConfigKind::accelerators: list.push_back(accelerator(name)); break;
      case ConfigKind::clusters: list.push_back(cluster(name)); break;
      case ConfigKind::measured: list.push_back(measured(name)); break;
      case ConfigKind::jobs:
        for (Json& job : jobs(name)) list.push_back(std::move(job));
        break;
    }
  }
  return list;
}

}  // namespace

std::string list_json(const std::vector<ConfigKind>& kinds) {
  Json json = Json::object();
  for (const auto& [kind, word] : kKinds) {
    if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) json[std::string(word)] = configs(kind);
  }
  return report::printed(json);
}

}  // namespace foreshard::cli
