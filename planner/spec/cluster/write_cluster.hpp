#pragma once

#include <string>

#include "planner/spec/types/cluster_spec.hpp"
#include "planner/spec/yaml/figure_sources.hpp"

namespace foreshard {

/// Writes the cluster, with its accelerator, as a YAML file. Reading the file gives exactly the same spec.
/// @param comment for the top of the file: when and on which machine it was measured; none if empty
std::string write_cluster(const ClusterSpec& cluster, const std::string& comment = {},
                          const FigureSources& sources = {});

}  // namespace foreshard
