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

/// Resolves references, so that the cluster is one map that has its accelerator. A name or path is opened. A
/// map with a name and no accelerator, `{name: dgx-h100, nodes: 8}`, is the bundled cluster of that name with
/// some keys replaced. Any other node is returned unchanged. Null, with a complaint, if the reference cannot
/// be opened.
NodePtr expand_cluster(const NodePtr& node, const std::string& path, Library& library);

/// Reads a cluster, given by name, by path or as a map. Missing keys have the values of the accelerator's
/// usual node; if the number of nodes is missing, it is one. Do not use the result if there were complaints.
/// @param owner the place of the key whose value this is
/// @param path the dotted path of that key; "" if the cluster is a document of its own
ClusterSpec read_cluster(const NodePtr& node, const Place& owner, const std::string& path, Library& library);

}  // namespace foreshard
