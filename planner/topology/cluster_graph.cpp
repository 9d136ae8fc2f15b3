#include "planner/topology/cluster_graph.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <unordered_map>

#include <boost/graph/adjacency_list.hpp>
#include <fmt/core.h>

namespace foreshard {
namespace {

struct LinkProperties {
  BytesPerSecond bandwidth;
  Seconds latency;
  std::uint32_t index = 0;  // in links()
};
// Edges are in vectors, which keep the order in which links were added: this makes routes deterministic.
using LinkGraph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, Vertex, LinkProperties>;
using VertexDescriptor = boost::graph_traits<LinkGraph>::vertex_descriptor;
using EdgeDescriptor = boost::graph_traits<LinkGraph>::edge_descriptor;

/// Adds the vertices and links of a cluster. Devices are added first, so the vertex of a rank has its number.
class Builder {
 public:
  Builder(LinkGraph& graph, const ClusterSpec& cluster) : graph_(graph), cluster_(cluster) {}

  void build() {
    for (std::int64_t rank = 0; rank < cluster_.devices(); ++rank) add(VertexKind::device);
    if (cluster_.devices_per_node > 1)
      for (std::int64_t node = 0; node < cluster_.nodes; ++node) lay_node(node);
    const bool devices_meet_in_network = cluster_.fabric == NodeFabric::none && cluster_.devices_per_node > 1;
    if (cluster_.nodes > 1 || devices_meet_in_network) lay_network();
  }

 private:
  VertexDescriptor add(VertexKind kind) {
    std::int64_t& next = next_index_[static_cast<std::size_t>(kind)];
    return boost::add_vertex(Vertex{kind, next++}, graph_);
  }
  void connect(VertexDescriptor a, VertexDescriptor b, BytesPerSecond bandwidth, Seconds latency) {
    boost::add_edge(a, b, LinkProperties{bandwidth, latency, 0}, graph_);
    boost::add_edge(b, a, LinkProperties{bandwidth, latency, 0}, graph_);
  }
  [[nodiscard]] VertexDescriptor device(std::int64_t node, std::int64_t slot) const {
    return static_cast<VertexDescriptor>(node * cluster_.devices_per_node + slot);
  }

  void lay_node(std::int64_t node) {
    const std::int64_t devices = cluster_.devices_per_node;
    if (cluster_.fabric == NodeFabric::none) return;
    if (cluster_.fabric == NodeFabric::mesh) {
      const BytesPerSecond per_peer = cluster_.link.bandwidth / static_cast<double>(devices - 1);
      for (std::int64_t a = 0; a < devices; ++a)
        for (std::int64_t b = a + 1; b < devices; ++b)
          connect(device(node, a), device(node, b), per_peer, cluster_.link.latency);
      return;
    }
    const VertexDescriptor node_switch = add(VertexKind::node_switch);
    for (std::int64_t slot = 0; slot < devices; ++slot)
      connect(device(node, slot), node_switch, cluster_.link.bandwidth, cluster_.link.latency / 2.0);
  }

  void lay_network() {
    switch (cluster_.network.topology) {
      case Topology::torus: return lay_ring();
      case Topology::single_switch: return lay_leaves(cluster_.nodes, 1);
      case Topology::rail_optimised: return lay_leaves(kLeafDownLinks, cluster_.devices_per_node);
      case Topology::fat_tree:
        return lay_leaves(std::max<std::int64_t>(kLeafDownLinks / cluster_.devices_per_node, 1), 1);
    }
  }

  /// Adds a NIC per device, and leaves. A pod of `nodes_per_pod` nodes has `rails` leaves; NIC i is on leaf
  /// i mod rails. Two or more leaves are connected by the spine.
  void lay_leaves(std::int64_t nodes_per_pod, std::int64_t rails) {
    const LinkSpec& share = cluster_.network.link;
    const std::int64_t pods = ceil_divide(cluster_.nodes, nodes_per_pod);
    std::vector<VertexDescriptor> leaves;
    for (std::int64_t leaf = 0; leaf < pods * rails; ++leaf) leaves.push_back(add(VertexKind::leaf_switch));
    std::vector<std::int64_t> down_links(leaves.size(), 0);
    for (std::int64_t node = 0; node < cluster_.nodes; ++node) {
      for (std::int64_t slot = 0; slot < cluster_.devices_per_node; ++slot) {
        const VertexDescriptor nic = add(VertexKind::nic);
        connect(device(node, slot), nic, share.bandwidth, Seconds(0.0));
        const auto leaf = static_cast<std::size_t>(node / nodes_per_pod * rails + slot % rails);
        connect(nic, leaves[leaf], share.bandwidth, share.latency / 2.0);
        ++down_links[leaf];
      }
    }
    if (leaves.size() < 2) return;
    const VertexDescriptor spine = add(VertexKind::spine_switch);
    for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf) {
      const BytesPerSecond up_links =
          share.bandwidth * static_cast<double>(down_links[leaf]) / cluster_.network.oversubscription;
      connect(leaves[leaf], spine, up_links, Seconds(0.0));
    }
  }

  /// Adds one router per node, which stands for all NICs of the node, with links to the next and the previous
  /// node. A hop between neighbours takes the spec's latency.
  void lay_ring() {
    const LinkSpec& share = cluster_.network.link;
    std::vector<VertexDescriptor> routers;
    for (std::int64_t node = 0; node < cluster_.nodes; ++node) {
      routers.push_back(add(VertexKind::nic));
      for (std::int64_t slot = 0; slot < cluster_.devices_per_node; ++slot)
        connect(device(node, slot), routers.back(), share.bandwidth, Seconds(0.0));
    }
    const BytesPerSecond per_neighbour =
        share.bandwidth * static_cast<double>(cluster_.devices_per_node) / 2.0;
    if (routers.size() == 2) connect(routers[0], routers[1], per_neighbour * 2.0, share.latency);
    if (routers.size() < 3) return;
    for (std::size_t node = 0; node < routers.size(); ++node)
      connect(routers[node], routers[(node + 1) % routers.size()], per_neighbour, share.latency);
  }

  LinkGraph& graph_;
  const ClusterSpec& cluster_;
  std::array<std::int64_t, 5> next_index_{};  // by VertexKind
};

/// A breadth-first search from one end of a path: forwards from its start, or backwards from its end.
class Frontier {
 public:
  Frontier(const LinkGraph& graph, VertexDescriptor origin, bool is_forward)
      : graph_(graph), is_forward_(is_forward), level_{origin}, reached_{{origin, {}}} {}

  [[nodiscard]] bool has_reached(VertexDescriptor v) const { return reached_.contains(v); }
  [[nodiscard]] bool empty() const { return level_.empty(); }

  /// Advances by one link. Returns a vertex that the other search has reached, if any; among several, the one
  /// whose link was added first. All of them are equally far from the other end.
  std::optional<VertexDescriptor> advance(const Frontier& other) {
    std::optional<VertexDescriptor> meeting;
    std::vector<VertexDescriptor> next;
    const auto take = [&](const EdgeDescriptor& edge, VertexDescriptor to) {
      if (!reached_.emplace(to, edge).second) return;
      if (!meeting && other.has_reached(to)) meeting = to;
      if (graph_[to].kind != VertexKind::device) next.push_back(to);  // devices do not forward
    };
    for (const VertexDescriptor at : level_) {
      if (is_forward_) {
        for (auto [edge, end] = boost::out_edges(at, graph_); edge != end; ++edge)
          take(*edge, boost::target(*edge, graph_));
      } else {
        for (auto [edge, end] = boost::in_edges(at, graph_); edge != end; ++edge)
          take(*edge, boost::source(*edge, graph_));
      }
    }
    level_ = std::move(next);
    return meeting;
  }

  /// The links from a vertex that the search has reached back to its origin.
  [[nodiscard]] std::vector<std::uint32_t> back_from(VertexDescriptor at) const {
    std::vector<std::uint32_t> links;
    for (auto by = reached_.at(at); by; by = reached_.at(at)) {
      links.push_back(graph_[*by].index);
      at = is_forward_ ? boost::source(*by, graph_) : boost::target(*by, graph_);
    }
    return links;
  }

 private:
  const LinkGraph& graph_;
  bool is_forward_;
  std::vector<VertexDescriptor> level_;
  std::unordered_map<VertexDescriptor, std::optional<EdgeDescriptor>> reached_;  // by which link
};

ClusterLink link_of(const EdgeDescriptor& edge, const LinkGraph& graph) {
  return {.from = graph[boost::source(edge, graph)],
          .to = graph[boost::target(edge, graph)],
          .bandwidth = graph[edge].bandwidth,
          .latency = graph[edge].latency};
}

}  // namespace

struct ClusterGraph::Impl {
  LinkGraph graph;
  std::int64_t devices = 0;
  std::vector<ClusterLink> links;
};

ClusterGraph::ClusterGraph(const ClusterSpec& cluster) : impl_(std::make_unique<Impl>()) {
  impl_->devices = cluster.devices();
  LinkGraph& graph = impl_->graph;
  Builder(graph, cluster).build();
  for (VertexDescriptor vertex = 0; vertex < boost::num_vertices(graph); ++vertex) {
    for (auto [edge, end] = boost::out_edges(vertex, graph); edge != end; ++edge) {
      graph[*edge].index = static_cast<std::uint32_t>(impl_->links.size());
      impl_->links.push_back(link_of(*edge, graph));
    }
  }
}
ClusterGraph::~ClusterGraph() = default;
ClusterGraph::ClusterGraph(ClusterGraph&&) noexcept = default;
ClusterGraph& ClusterGraph::operator=(ClusterGraph&&) noexcept = default;

std::size_t ClusterGraph::count(VertexKind kind) const {
  const auto [begin, end] = boost::vertices(impl_->graph);
  return static_cast<std::size_t>(
      std::count_if(begin, end, [&](VertexDescriptor v) { return impl_->graph[v].kind == kind; }));
}

const std::vector<ClusterLink>& ClusterGraph::links() const { return impl_->links; }

std::vector<std::uint32_t> ClusterGraph::path(Rank from, Rank to) const {
  for (const Rank rank : {from, to}) {
    if (rank.value() < 0 || rank.value() >= impl_->devices)
      throw std::out_of_range(
          fmt::format("rank {} is not one of the cluster's {} devices", rank.value(), impl_->devices));
  }
  if (from == to) return {};
  Frontier start(impl_->graph, from.at(), true);
  Frontier finish(impl_->graph, to.at(), false);
  while (!start.empty() && !finish.empty()) {
    auto meeting = start.advance(finish);
    if (!meeting) meeting = finish.advance(start);
    if (!meeting) continue;
    std::vector<std::uint32_t> links = start.back_from(*meeting);
    std::reverse(links.begin(), links.end());
    const std::vector<std::uint32_t> rest = finish.back_from(*meeting);
    links.insert(links.end(), rest.begin(), rest.end());
    return links;
  }
  throw std::logic_error(fmt::format("no path from device {} to device {}", from.value(), to.value()));
}

NetworkRoute ClusterGraph::route(Rank from, Rank to) const {
  NetworkRoute route;
  for (const std::uint32_t link : path(from, to)) route.links.push_back(impl_->links[link]);
  return route;
}

}  // namespace foreshard
