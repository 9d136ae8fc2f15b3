#include "planner/results/bundled_configs.hpp"

#include <algorithm>
#include <utility>

#include "planner/cost/step/count_parameters.hpp"

namespace foreshard {
namespace {

std::vector<BundledModel> load_models() {
  std::vector<BundledModel> models;
  for (std::string& name : bundled_names(ConfigKind::models)) {
    ModelSpec model = load_model(name);
    const Parameters parameters = count_parameters(model);
    models.push_back({std::move(name), std::move(model), parameters});
  }
  return models;
}

std::vector<BundledAccelerator> load_accelerators() {
  std::vector<BundledAccelerator> accelerators;
  for (const std::string& name : bundled_names(ConfigKind::accelerators))
    accelerators.push_back({name, load_accelerator(name)});
  return accelerators;
}

std::vector<BundledCluster> load_clusters() {
  std::vector<BundledCluster> clusters;
  for (const std::string& name : bundled_names(ConfigKind::clusters))
    clusters.push_back({name, load_cluster(name)});
  return clusters;
}

std::vector<BundledJob> load_all_jobs() {
  std::vector<BundledJob> jobs;
  for (const std::string& name : bundled_names(ConfigKind::jobs)) {
    for (JobSpec& job : load_jobs(bundled_file(ConfigKind::jobs, name)))
      jobs.push_back({name, std::move(job)});
  }
  return jobs;
}

std::vector<BundledMeasurements> load_measurements() {
  std::vector<BundledMeasurements> measured;
  for (const std::string& name : bundled_names(ConfigKind::measured)) {
    BundledMeasurements source{.name = name, .cases = 0, .accelerators = {}};
    for (const JobSpec& job : load_jobs(bundled_file(ConfigKind::measured, name))) {
      ++source.cases;
      const std::string& accelerator = job.cluster.accelerator.name;
      auto& names = source.accelerators;
      if (std::find(names.begin(), names.end(), accelerator) == names.end()) names.push_back(accelerator);
    }
    measured.push_back(std::move(source));
  }
  return measured;
}

}  // namespace

BundledConfigs load_bundled_configs(std::span<const ConfigKind> kinds) {
  BundledConfigs configs;
  for (const ConfigKind kind : kinds) {
    switch (kind) {
      case ConfigKind::models: configs.models = load_models(); break;
      case ConfigKind::accelerators: configs.accelerators = load_accelerators(); break;
      case ConfigKind::clusters: configs.clusters = load_clusters(); break;
      case ConfigKind::jobs: configs.jobs = load_all_jobs(); break;
      case ConfigKind::measured: configs.measured = load_measurements(); break;
    }
  }
  return configs;
}

}  // namespace foreshard
