#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "planner/spec/load/load.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/types/model_spec.hpp"
#include "planner/units/count.hpp"

namespace foreshard {

/// A bundled config and the name by which users refer to it.
struct BundledModel {
  std::string name;
  ModelSpec model;
  Parameters parameters;
};
struct BundledAccelerator {
  std::string name;
  AcceleratorSpec accelerator;
};
struct BundledCluster {
  std::string name;
  ClusterSpec cluster;
};
struct BundledJob {
  std::string name;  ///< name of its file, which may hold several jobs
  JobSpec job;
};
struct BundledMeasurements {
  std::string name;
  std::int64_t cases = 0;
  std::vector<std::string> accelerators;  ///< of the cases, without duplicates, in the order of the file
};

/// The result of `list`: the bundled configs of the kinds that were asked for.
struct BundledConfigs {
  std::optional<std::vector<BundledModel>> models;
  std::optional<std::vector<BundledAccelerator>> accelerators;
  std::optional<std::vector<BundledCluster>> clusters;
  std::optional<std::vector<BundledJob>> jobs;
  std::optional<std::vector<BundledMeasurements>> measured;
};

BundledConfigs load_bundled_configs(std::span<const ConfigKind> kinds);

}  // namespace foreshard
