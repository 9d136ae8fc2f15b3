#pragma once

#include <span>
#include <vector>

#include "planner/cost/collectives/algorithm_cost.hpp"
#include "planner/program/ops/op.hpp"
#include "planner/units/strong_index.hpp"
#include "sim/network/fabric.hpp"
#include "sim/network/max_min.hpp"

namespace foreshard {

/// The links over which one kind of collective of one group sends its bytes. All rounds together are one set
/// of flows: the members of a ring forward each block as soon as it arrives, so in every round the ring runs
/// at the pace of its slowest link.
struct FlowPattern {
  std::vector<LinkUse> uses;  ///< by link, ascending
  double share = 0.0;         ///< share of the payload that one flow carries
};

/// Returns the links and flow counts of a collective of S bytes among these n devices, given in their group's
/// order (g: devices of the group in a node):
///
///   ring       One ring through each NIC of a node that the group owns (the choice's rails), each with an
///              equal part of S. Every edge carries 2(n−1)/n of that part for an all-reduce, (n−1)/n for the
///              others. In a node, a ring that enters by one device's NIC leaves by its neighbour's, in
///              alternating direction from node to node: every NIC has one ring in and one out, and rings
///              stay on their rails. In a mesh, what a device sends within its node is spread over all its
///              links there.
///   tree       Two binary trees over the nodes for each NIC, each with half of the NIC's share, up and down
///              every edge. A node that is an inner vertex of one tree is a leaf of the other (Sanders et al.
///              2009). Within a node a chain, up and down.
///   NVLS       S·(1 + 1/g) from every device to its switch and back.
///   NVLS tree  NVLS in each node, and trees over the nodes with S/g for each NIC.
///   PAT        As a ring: its rounds have other partners but move the same bytes through every NIC.
///   pairwise   S/n between each two devices.
/// @pre members.size() > 1
FlowPattern pattern_of(const Fabric& fabric, CollectiveKind kind, const CollectiveChoice& choice,
                       std::span<const Rank> members);

/// A message from one device to another.
FlowPattern transfer_pattern(const Fabric& fabric, Rank from, Rank to);

/// Combines the patterns of several groups that run the same collective at the same time into one.
FlowPattern together(std::span<const FlowPattern> patterns);

}  // namespace foreshard
