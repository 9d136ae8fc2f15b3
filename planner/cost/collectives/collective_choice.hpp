#pragma once

#include "planner/cost/collectives/algorithm_cost.hpp"
#include "planner/cost/collectives/group_links.hpp"
#include "planner/program/ops/op.hpp"

namespace foreshard {

/// The algorithms with which a group can run one kind of collective. Their costs: docs/collectives.md.
///  With NCCL, an all-reduce runs on rings or trees in each protocol, and, if the switch reduces, with NVLS
/// (within a node) or NVLS trees (over nodes). An all-gather or reduce-scatter runs on rings, or with PAT if
/// each node has one member. An all-to-all is pairwise. Without NCCL there are only the ring and the pairwise
/// exchange.
/// @pre links.members > 1
AlgorithmCosts algorithm_costs(CollectiveKind kind, const GroupLinks& links);

/// The cost of a transfer between neighbours of a group. If the group spans several nodes, the transfer
/// crosses nodes: some neighbours are on different nodes, and these limit the pipeline. @pre links.members >
/// 1
AlgorithmCost transfer_cost(const GroupLinks& links);

/// The ring's bus bandwidth for large messages. The members of a node run one ring through each of their NICs
/// and so pool the NICs' bandwidth. Within the node, all these rings share each device's links. In a mesh,
/// they use all links between the node's members at once (docs/collectives.md).
BytesPerSecond ring_bus_bandwidth(const GroupLinks& links);

/// The bandwidth of a pairwise exchange of S bytes, defined as S divided by its time. Each member gets S/n
/// bytes. Data that stay in the node move at the same time as data that leave it through the device's own
/// NIC.
BytesPerSecond exchange_bandwidth(const GroupLinks& links);

/// The ring and the pairwise exchange of a library other than NCCL, by the α–β model (latency plus size over
/// bandwidth).
AlgorithmCosts plain_algorithms(CollectiveKind kind, const GroupLinks& links);
/// NCCL's algorithms. @pre links.nccl
AlgorithmCosts nccl_algorithms(CollectiveKind kind, const GroupLinks& links);

}  // namespace foreshard
