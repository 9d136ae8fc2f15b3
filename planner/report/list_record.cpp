#include "planner/report/list_record.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "planner/report/words.hpp"

namespace foreshard::report {
namespace {

Fields config_fields(const BundledModel& bundled) {
  return {{"name", bundled.name},
          {"kind", "model"},
          {"full_name", bundled.model.name},
          {"parameters", count_field(bundled.parameters.value())},
          {"layers", bundled.model.layers},
          {"hidden", bundled.model.hidden}};
}

Fields config_fields(const BundledAccelerator& bundled) {
  const AcceleratorSpec& accelerator = bundled.accelerator;
  Fields fields{{"name", bundled.name}, {"kind", "accelerator"}, {"full_name", accelerator.full_name}};
  for (std::size_t type = 0; type < accelerator.gemm.size(); ++type) {
    const auto& rate = accelerator.gemm[type];
    if (!rate) continue;
    fields.push_back(
        {"peak_flops_per_s." + std::string(word_of(static_cast<DType>(type))), rate->peak.value()});
  }
  fields.push_back({"memory_bytes", count_field(accelerator.memory_capacity.value())});
  fields.push_back({"memory_bytes_per_s", accelerator.memory_bandwidth.value()});
  for (const Named<ConstantGroup>& named : kWords<ConstantGroup>) {
    const auto& how = accelerator.confidence[static_cast<std::size_t>(named.value)];
    fields.push_back({"confidence." + std::string(named.word),
                      how ? FieldValue(std::string(word_of(*how))) : FieldValue(std::monostate{})});
  }
  return fields;
}

Fields config_fields(const BundledCluster& bundled) {
  return {{"name", bundled.name},
          {"kind", "cluster"},
          {"nodes", bundled.cluster.nodes},
          {"devices_per_node", bundled.cluster.devices_per_node},
          {"accelerator", bundled.cluster.accelerator.name},
          {"network_bytes_per_s", bundled.cluster.network.link.bandwidth.value()}};
}

Fields config_fields(const BundledJob& bundled) {
  const JobSpec& job = bundled.job;
  return {{"name", bundled.name},     {"kind", "job"},
          {"model", job.model.name},  {"devices", job.cluster.devices()},
          {"tp", job.parallelism.tp}, {"pp", job.parallelism.pp},
          {"dp", job.parallelism.dp}};
}

Fields config_fields(const BundledMeasurements& bundled) {
  std::vector<std::string> accelerators = bundled.accelerators;
  std::sort(accelerators.begin(), accelerators.end());
  return {{"name", bundled.name},
          {"kind", "measured"},
          {"cases", bundled.cases},
          {"accelerators", std::move(accelerators)}};
}

template <class Config>
void add_list(Record& record, const char* key, const std::optional<std::vector<Config>>& configs) {
  if (!configs) return;
  FieldRows rows;
  for (const Config& config : *configs) rows.rows.push_back(config_fields(config));
  record.objects.front().push_back({key, std::move(rows)});
  record.row_keys.emplace_back(key);
}

}  // namespace

Record list_record(const BundledConfigs& configs) {
  Record record = record_of({});
  add_list(record, "models", configs.models);
  add_list(record, "accelerators", configs.accelerators);
  add_list(record, "clusters", configs.clusters);
  add_list(record, "jobs", configs.jobs);
  add_list(record, "measured", configs.measured);
  return record;
}

}  // namespace foreshard::report
