#pragma once

#include <span>
#include <vector>

#include "planner/cost/collectives/algorithm_cost.hpp"
#include "planner/program/ops/op.hpp"
#include "planner/units/strong_index.hpp"
#include "sim/network/fabric.hpp"
#include "sim/network/max_min.hpp"

namespace foreshard {

/// Where the bytes of one kind of collective of one group go. All its rounds together are one set of flows:
/// a ring whose members pass blocks on at once runs at the pace of its slowest link, whichever round it is
/// in.
struct FlowPattern {
  std::vector<LinkUse> uses;  ///< by link, ascending
  double share = 0.0;         ///< of the payload, what one flow carries
};

/// Links and counts of a collective of S bytes among these devices, in their group's order:
///
///   ring       a ring through each NIC of a node that the group owns (the choice's rails), each with an
///   equal
///              part of S: 2(n−1)/n of that along every edge for an all-reduce, (n−1)/n for the others. In a
///              node the ring that came in by one device's NIC leaves by its neighbour's, back and forth from
///              node to node, so that every NIC has one ring in and one out and rings stay on their rails. In
///              a mesh what leaves a device for its node is spread over all its links there
///   tree       two binary trees over the nodes for each NIC, each with half of its share, up and down every
///              edge; a node's inner vertex of one tree is a leaf of the other (Sanders et al. 2009); in a
///              node a chain, up and down
///   NVLS       S·(1 + 1/g) from every device to its switch and back
///   NVLS tree  the same in each node, and trees over the nodes with S/g for each NIC
///   PAT        as a ring: its rounds have other partners and the same bytes through every NIC
///   pairwise   S/n between each two
/// @pre members.size() > 1
FlowPattern pattern_of(const Fabric& fabric, CollectiveKind kind, const CollectiveChoice& choice,
                       std::span<const Rank> members);

/// A message from one device to another.
FlowPattern transfer_pattern(const Fabric& fabric, Rank from, Rank to);

/// Several groups that move in step, as one.
FlowPattern together(std::span<const FlowPattern> patterns);

}  // namespace foreshard
