#pragma once

#include "planner/cost/collectives/algorithm_cost.hpp"
#include "planner/cost/collectives/group_links.hpp"
#include "planner/program/ops/op.hpp"

namespace foreshard {

/// The ways in which a group can run one kind of collective. What they cost: docs/collectives.md.
///
/// NCCL has, for an all-reduce, rings and trees in each protocol, and NVLS (in a node) or NVLS trees (over
/// nodes) where the switch reduces; for an all-gather or reduce-scatter rings, and PAT for one member per
/// node; an all-to-all is pairwise. Whatever runs without NCCL has the ring, and pairwise exchange.
/// @pre links.members > 1
AlgorithmCosts algorithm_costs(CollectiveKind kind, const GroupLinks& links);

/// A transfer between neighbours of a group; somewhere neighbours are on different nodes if the group spans
/// several, and these set the pipeline's pace. @pre links.members > 1
AlgorithmCost transfer_cost(const GroupLinks& links);

/// The ring's bus bandwidth for large messages. The members of a node run one ring through each of their
/// NICs, so that these are theirs together; inside the node all these rings share each device's links. In a mesh
/// they run over all links between the node's members at once (docs/collectives.md).
BytesPerSecond ring_bus_bandwidth(const GroupLinks& links);

/// What a pairwise exchange of S bytes reaches, counted as S over its time: with S/n bytes for each member,
/// what stays in the node goes beside what leaves it through the device's own NIC.
BytesPerSecond exchange_bandwidth(const GroupLinks& links);

/// Those two for a library other than NCCL: α–β.
AlgorithmCosts plain_algorithms(CollectiveKind kind, const GroupLinks& links);
/// NCCL's. @pre links.nccl
AlgorithmCosts nccl_algorithms(CollectiveKind kind, const GroupLinks& links);

}  // namespace foreshard
