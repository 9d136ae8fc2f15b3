#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "planner/cost/collectives/collective_time.hpp"
#include "planner/spec/types/cluster_spec.hpp"
#include "planner/topology/device_mesh.hpp"

namespace foreshard::tools {

/// One measured collective.
struct CollectiveSample {
  std::optional<CollectiveKind> kind;  ///< none: a transfer between two neighbours
  GroupSpan span;
  Bytes payload;  ///< as nccl-tests counts it
  Seconds measured;
  std::optional<CollectiveAlgorithm> forced;  ///< whoever measured forbade all others
};

/// Collectives that one author measured on one kind of cluster.
struct CollectiveSet {
  std::string name;
  std::string what;     ///< hardware, software, source
  ClusterSpec cluster;  ///< the bundled one that it was measured on, or comes nearest
  bool fitted = false;  ///< the model's constants were fitted to it, among others
  double mean_error_at_most = 0.0;
  std::vector<CollectiveSample> samples;
};

/// All sets of `configs`/physics/collectives_{sets,measured}.csv. @throws std::runtime_error on a bad file
std::vector<CollectiveSet> load_collective_sets(const std::filesystem::path& configs);

struct CollectivePrediction {
  Seconds time;
  CollectiveChoice choice;
};
CollectivePrediction predict(const ClusterSpec& cluster, const CollectiveSample& sample);

/// Mean of |predicted / measured − 1|; 0 of none. @param from only samples of at least this payload
double mean_error(const CollectiveSet& set, Bytes from = Bytes());
/// Mean of predicted / measured − 1.
double bias(const CollectiveSet& set);

}  // namespace foreshard::tools
