#include "planner/cost/collectives/token_exchange.hpp"

#include <algorithm>

namespace foreshard {
namespace {

/// What a library's kernels reach, fitted to exchanges that were measured alone (docs/collectives.md).
struct ExchangeKernels {
  Seconds start;      ///< layout and notification, before tokens move
  double link_share;  ///< share of the rate that rings reach on the links of a node; kernels may reach more
  double network_share;  ///< share of the NIC's rate
};

// DeepEP: start and link: 171 exchanges of 512 to 131,072 tokens on 8 GPUs with 20 multiprocessors
// (ai-dynamo/aiconfigurator@095f58a: 38 to 62 us; combine 281 of 369 GB/s); network: 90 and 61 GB/s logical on 2 and 4
// nodes, of which 1/2 and 3/4 cross nodes (deepseek-ai/DeepEP@dd758ca, README).
constexpr ExchangeKernels kDeepEp{.start = Seconds(50e-6), .link_share = 0.76, .network_share = 0.92};
// HybridEP: least squares of 16 exchanges on 8 to 64 H100 and GB200 (arXiv:2603.07685, table 7), within 12%.
constexpr ExchangeKernels kHybridEp{.start = Seconds(120e-6), .link_share = 1.10, .network_share = 0.86};

}  // namespace

AlgorithmCost token_exchange_cost(Dispatcher dispatcher, const TokenCopies& copies, const GroupLinks& links) {
  const ExchangeKernels& kernels = dispatcher == Dispatcher::hybridep ? kHybridEp : kDeepEp;
  const auto nodes = static_cast<double>(links.nodes);
  const auto per_node = static_cast<double>(links.per_node);
  // Seconds per byte of S.
  double slowest = 0.0;
  if (links.nodes > 1) {
    const double crossing = copies.nodes / copies.ranks * (nodes - 1.0) / nodes;
    slowest = crossing / (kernels.network_share * links.across.bandwidth.value());
  }
  if (links.per_node > 1) {
    const double copied = (per_node - 1.0) / per_node;
    slowest = std::max(slowest, copied / (kernels.link_share * links.inside.bandwidth.value()));
  }
  return {.choice = {CollectiveAlgorithm::pairwise, CollectiveProtocol::none, 1},
          .latency = kernels.start + (links.nodes > 1 ? links.across.latency : links.inside.latency),
          .bandwidth = BytesPerSecond(1.0 / slowest)};
}

}  // namespace foreshard
