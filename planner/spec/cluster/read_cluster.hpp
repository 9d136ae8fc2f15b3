#pragma once

#include <string>

#include "planner/spec/library/library.hpp"
#include "planner/spec/types/cluster_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// The keys of a cluster and of its network.
KeyTable cluster_keys();
KeyTable cluster_link_keys();
KeyTable network_keys();

/// The cluster as one map that says its accelerator: a name or path is opened; a map with a name and no
/// accelerator, `{name: dgx-h100, nodes: 8}`, is the cluster of that name with keys of its own. None, with a
/// complaint, if what it refers to cannot be opened; what is no reference comes back as it is.
NodePtr expand_cluster(const NodePtr& node, const std::string& path, Library& library);

/// A cluster given by name, by path or as a map. What it leaves unsaid is that of the accelerator's usual
/// node; unsaid, it is one node. After complaints it is not to be used.
/// @param owner the key whose value this is; @param path of that key, "" for a document of its own
ClusterSpec read_cluster(const NodePtr& node, const Place& owner, const std::string& path, Library& library);

}  // namespace foreshard
