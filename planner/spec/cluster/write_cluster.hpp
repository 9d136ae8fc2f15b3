#pragma once

#include <string>

#include "planner/spec/types/cluster_spec.hpp"
#include "planner/spec/yaml/figure_sources.hpp"

namespace foreshard {

/// The cluster, its accelerator included, as a YAML file that reads back as the very same spec.
/// @param comment stands on top: when and on which machine it was measured; none if empty
std::string write_cluster(const ClusterSpec& cluster, const std::string& comment = {},
                          const FigureSources& sources = {});

}  // namespace foreshard
