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
  std::optional<CollectiveAlgorithm> forced;  ///< the measurement allowed only this algorithm
};

/// Collectives that one author measured on one kind of cluster.
struct CollectiveSet {
  std::string name;
  std::string what;     ///< hardware, software, source
  ClusterSpec cluster;  ///< the bundled cluster that it was measured on, or the most similar one
  /// True if the set has a fixed time of its own: hosts that submit one collective after the other in a loop
  /// are slower than the GPUs, which the accelerator's `fixed` is of.
  bool has_own_fixed = false;
  bool fitted = false;  ///< true if the model's constants were fitted to this set (and others)
  double mean_error_at_most = 0.0;
  std::vector<CollectiveSample> samples;
};

/// All sets of `configs`/physics/collectives_{sets,measured,serving}.csv. @throws std::runtime_error on a bad file
std::vector<CollectiveSet> load_collective_sets(const std::filesystem::path& configs);

/// The predicted time of a sample and the algorithm that the model chooses.
struct CollectivePrediction {
  Seconds time;
  CollectiveChoice choice;
};
CollectivePrediction predict(const ClusterSpec& cluster, const CollectiveSample& sample);

/// Mean of |predicted / measured − 1|; 0 without samples. @param from  only samples of at least this payload
/// count
double mean_error(const CollectiveSet& set, Bytes from = Bytes());
/// Mean of predicted / measured − 1.
double bias(const CollectiveSet& set);

}  // namespace foreshard::tools
