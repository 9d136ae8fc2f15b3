#pragma once

#include "planner/cost/collectives/algorithm_cost.hpp"
#include "planner/cost/collectives/group_links.hpp"
#include "planner/frameworks/dispatcher.hpp"
#include "planner/topology/token_copies.hpp"

namespace foreshard {

/// The cost of an exchange that sends a token once to each node that needs it and copies it there to each rank that
/// needs it. Its size S are the copies that arrive at a rank, of all ranks and its own: with r ranks and v nodes per
/// token (TokenCopies), n members, g of them on each of N nodes, a rank sends S·v/r·(N − 1)/N through its NIC and
/// S·(g − 1)/g through its links in the node. Both proceed at the same time, so the slower one decides; a start of
/// the kernels (layout of the tokens, notification of the peers) comes on top.
/// Constants and sources: docs/collectives.md. @pre links.members > 1; the dispatcher is deepep or hybridep
AlgorithmCost token_exchange_cost(Dispatcher dispatcher, const TokenCopies& copies, const GroupLinks& links);

}  // namespace foreshard
