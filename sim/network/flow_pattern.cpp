#include "sim/network/flow_pattern.hpp"

#include <algorithm>
#include <optional>

namespace foreshard {

namespace {

/// Members of one node, in the group's order.
using Node = std::vector<Rank>;

std::vector<Node> nodes_of(const Fabric& fabric, std::span<const Rank> members) {
  std::vector<Node> nodes;
  std::optional<std::int64_t> last;
  for (const Rank member : members) {
    const std::int64_t node = fabric.node_of(member);
    if (node != last) nodes.emplace_back();
    nodes.back().push_back(member);
    last = node;
  }
  return nodes;
}

/// The member of a node at position i modulo the node's size.
Rank at(const Node& node, std::int64_t i) {
  const auto size = static_cast<std::int64_t>(node.size());
  return node[static_cast<std::size_t>((i % size + size) % size)];
}

/// Collects link uses, path by path.
class Uses {
 public:
  explicit Uses(const Fabric& fabric) : fabric_(fabric) {}

  void add(Rank from, Rank to, double flows = 1.0) {
    for (const std::uint32_t link : fabric_.path(from, to)) uses_.push_back({link, flows});
  }
  /// The links between a device and the switch of its node, both ways.
  void add_to_switch(Rank device, Rank neighbour, double flows) {
    uses_.push_back({fabric_.path(device, neighbour).front(), flows});
    uses_.push_back({fabric_.path(neighbour, device).back(), flows});
  }
  void add_both_ways(Rank a, Rank b, double flows = 1.0) {
    add(a, b, flows);
    add(b, a, flows);
  }

  /// Returns the uses, with one entry for each link.
  std::vector<LinkUse> take() {
    std::stable_sort(uses_.begin(), uses_.end(),
                     [](const LinkUse& a, const LinkUse& b) { return a.link < b.link; });
    std::vector<LinkUse> merged;
    for (const LinkUse& use : uses_) {
      if (merged.empty() || merged.back().link != use.link) {
        merged.push_back(use);
      } else {
        merged.back().flows += use.flows;
      }
    }
    return merged;
  }

 private:
  const Fabric& fabric_;
  std::vector<LinkUse> uses_;
};

/// Adds the edges of a ring. On a mesh, libraries run as many rings as a device has neighbours, each over
/// different links; so what a device sends within its node is divided evenly among all devices there.
void add_cycle(Uses& uses, const Fabric& fabric, const std::vector<Rank>& order,
               const std::vector<Node>& nodes) {
  const auto node_with = [&](Rank rank) {
    return std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) {
      return fabric.node_of(node.front()) == fabric.node_of(rank);
    });
  };
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Rank from = order[i];
    const Rank to = order[(i + 1) % order.size()];
    if (!fabric.is_mesh() || fabric.node_of(from) != fabric.node_of(to)) {
      uses.add(from, to);
      continue;
    }
    const Node& node = *node_with(from);
    for (const Rank peer : node) {
      if (peer != from) uses.add(from, peer, 1.0 / static_cast<double>(node.size() - 1));
    }
  }
}

FlowPattern rings(const Fabric& fabric, CollectiveKind kind, std::int64_t rails,
                  std::span<const Rank> members) {
  const std::vector<Node> nodes = nodes_of(fabric, members);
  Uses uses(fabric);
  for (std::int64_t rail = 0; rail < rails; ++rail) {
    std::vector<Rank> order;
    bool is_ascending = true;
    for (const Node& node : nodes) {
      const auto size = static_cast<std::int64_t>(node.size());
      for (std::int64_t i = 0; i < size; ++i)
        order.push_back(is_ascending ? at(node, rail + i) : at(node, rail - 1 - i));
      is_ascending = !is_ascending;
    }
    add_cycle(uses, fabric, order, nodes);
  }
  const auto n = static_cast<double>(members.size());
  const double rounds = kind == CollectiveKind::all_reduce ? 2.0 : 1.0;
  return {uses.take(), rounds * (n - 1.0) / n / static_cast<double>(rails)};
}

/// The parent of a vertex in a binary tree over 0 … n − 1 whose leaves are the odd numbers. The root, 0, has
/// no parent and one child. Source: Sanders, Speck and Träff 2009, "Two-tree algorithms for full bandwidth
/// broadcast, reduction and scan"; as in NCCL's trees.cc.
std::optional<std::size_t> parent_of(std::size_t vertex, std::size_t n) {
  if (vertex == 0) return std::nullopt;
  const std::size_t lowest_bit = vertex & (~vertex + 1);
  const std::size_t without = vertex ^ lowest_bit;
  const std::size_t up = without | (lowest_bit << 1U);
  return up < n ? up : without;
}

/// Adds the edges of two trees over the nodes, through the devices of one rail.
void add_two_trees(Uses& uses, const std::vector<Node>& nodes, std::int64_t rail) {
  const std::size_t n = nodes.size();
  // The second tree has its vertices shifted by one, so that inner vertices of the first become leaves.
  const auto shifted = [&](std::size_t v) { return (v + 1) % n; };
  for (std::size_t v = 0; v < n; ++v) {
    const auto parent = parent_of(v, n);
    if (!parent) continue;
    uses.add_both_ways(at(nodes[v], rail), at(nodes[*parent], rail));
    uses.add_both_ways(at(nodes[shifted(v)], rail), at(nodes[shifted(*parent)], rail));
  }
}

FlowPattern trees(const Fabric& fabric, std::int64_t rails, std::span<const Rank> members) {
  const std::vector<Node> nodes = nodes_of(fabric, members);
  Uses uses(fabric);
  for (std::int64_t rail = 0; rail < rails; ++rail) {
    // The chain within a node carries the halves of both trees.
    for (const Node& node : nodes) {
      const auto size = static_cast<std::int64_t>(node.size());
      for (std::int64_t i = 0; i + 1 < size; ++i)
        uses.add_both_ways(at(node, rail + i), at(node, rail + i + 1), 2.0);
    }
    if (nodes.size() > 1) add_two_trees(uses, nodes, rail);
  }
  return {uses.take(), 0.5 / static_cast<double>(rails)};
}

FlowPattern in_switches(const Fabric& fabric, std::int64_t rails, std::span<const Rank> members) {
  const std::vector<Node> nodes = nodes_of(fabric, members);
  const auto per_node = static_cast<double>(nodes.front().size());
  const double share = nodes.size() == 1 ? 1.0 : 0.5 / static_cast<double>(rails);
  const double in_node = (1.0 + 1.0 / per_node) / share;
  Uses uses(fabric);
  for (const Node& node : nodes) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (node.size() > 1) uses.add_to_switch(node[i], at(node, static_cast<std::int64_t>(i) + 1), in_node);
    }
  }
  if (nodes.size() == 2) {
    // Two nodes exchange their partial sums: both halves of each NIC's share.
    for (std::int64_t rail = 0; rail < rails; ++rail)
      uses.add_both_ways(at(nodes[0], rail), at(nodes[1], rail), 2.0);
  } else if (nodes.size() > 2) {
    for (std::int64_t rail = 0; rail < rails; ++rail) add_two_trees(uses, nodes, rail);
  }
  return {uses.take(), share};
}

FlowPattern pairs(const Fabric& fabric, std::span<const Rank> members) {
  Uses uses(fabric);
  for (const Rank from : members) {
    for (const Rank to : members) {
      if (from != to) uses.add(from, to);
    }
  }
  return {uses.take(), 1.0 / static_cast<double>(members.size())};
}

}  // namespace

FlowPattern pattern_of(const Fabric& fabric, CollectiveKind kind, const CollectiveChoice& choice,
                       std::span<const Rank> members) {
  switch (choice.algorithm) {
    case CollectiveAlgorithm::ring:
    case CollectiveAlgorithm::pat: return rings(fabric, kind, choice.rails, members);
    case CollectiveAlgorithm::tree: return trees(fabric, choice.rails, members);
    case CollectiveAlgorithm::nvls:
    case CollectiveAlgorithm::nvls_tree: return in_switches(fabric, choice.rails, members);
    case CollectiveAlgorithm::pairwise: return pairs(fabric, members);
  }
  return {};
}

FlowPattern transfer_pattern(const Fabric& fabric, Rank from, Rank to) {
  Uses uses(fabric);
  uses.add(from, to);
  return {uses.take(), 1.0};
}

FlowPattern together(std::span<const FlowPattern> patterns) {
  std::vector<LinkUse> all;
  for (const FlowPattern& pattern : patterns) all.insert(all.end(), pattern.uses.begin(), pattern.uses.end());
  std::stable_sort(all.begin(), all.end(),
                   [](const LinkUse& a, const LinkUse& b) { return a.link < b.link; });
  FlowPattern sum{.uses = {}, .share = patterns.empty() ? 0.0 : patterns.front().share};
  for (const LinkUse& use : all) {
    if (!sum.uses.empty() && sum.uses.back().link == use.link) {
      sum.uses.back().flows += use.flows;
    } else {
      sum.uses.push_back(use);
    }
  }
  return sum;
}

}  // namespace foreshard
