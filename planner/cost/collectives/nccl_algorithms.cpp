#include <algorithm>
#include <array>
#include <bit>

#include "planner/cost/collectives/collective_choice.hpp"
#include "planner/cost/collectives/nccl_tuning.hpp"

namespace foreshard {
namespace {

using nccl::PerProtocol;

constexpr std::array kProtocols{CollectiveProtocol::ll, CollectiveProtocol::ll128,
                                CollectiveProtocol::simple};

Seconds micros(double value) { return Seconds(value * 1e-6); }

/// NCCL's latency of a hop on a link on which one step of a Simple ring takes `latency`. `constant` is NCCL's
/// latency of this hop on a link with a step of `reference`. A slower link adds the difference to every hop,
/// as NCCL adds the latency that a NIC reports; a faster link shortens every hop in proportion.
Seconds hop(double constant, double reference, Seconds latency) {
  const double ratio = latency / micros(reference);
  return std::min(1.0, ratio) * micros(constant) + std::max(Seconds(), latency - micros(reference));
}
Seconds hop_inside(double constant, const GroupLinks& links) {
  return hop(constant, nccl::kRingHopInside.simple, links.inside.latency);
}
Seconds hop_across(double constant, const GroupLinks& links) {
  return hop(constant, nccl::kRingHopAcross.simple, links.across.latency);
}

std::int64_t rails_of(const GroupLinks& links) { return links.nodes == 1 ? 1 : links.per_node; }

/// Levels of a tree over nodes, as NCCL counts them: ⌊log2 N⌋.
double levels(std::int64_t nodes) {
  return static_cast<double>(std::bit_width(static_cast<std::uint64_t>(nodes)) - 1);
}

AlgorithmCost ring(CollectiveKind kind, CollectiveProtocol protocol, const GroupLinks& links) {
  const bool reduces_and_gathers = kind == CollectiveKind::all_reduce;
  const double rounds = reduces_and_gathers ? 2.0 : 1.0;
  const double steps = rounds * static_cast<double>(links.members - 1);
  const double crossing = rounds * static_cast<double>(links.nodes - 1);
  Seconds inside = hop_inside(nccl::kRingHopInside.of(protocol), links);
  if (links.nodes > 1) inside = std::max(inside, micros(nccl::kRingHopInsideLeast.of(protocol)));
  const Seconds latency = micros(nccl::kRingBase.of(protocol)) + (steps - crossing) * inside +
                          crossing * hop_across(nccl::kRingHopAcross.of(protocol), links);

  BytesPerSecond bus = ring_bus_bandwidth(links);
  if (protocol == CollectiveProtocol::ll)
    bus = std::min(nccl::kRingLl * bus, nccl::most_of_ll(links.nccl->generation, links.nodes));
  if (protocol == CollectiveProtocol::ll128)
    bus *= links.per_node == 1 ? nccl::kRingLl128OnePerNode : nccl::kRingLl128;

  AlgorithmCost cost{.choice = {CollectiveAlgorithm::ring, protocol, rails_of(links)},
                     .latency = links.nccl->fixed + latency,
                     .bandwidth = bus * (static_cast<double>(links.members) / steps)};
  cost.sharers = links.per_node;
  if (links.nodes == 1 && protocol != CollectiveProtocol::ll) cost.ramp = SizeRamp::node_ring;
  if (reduces_and_gathers && protocol == CollectiveProtocol::simple && links.nodes > 1) {
    cost.plateau = Bytes(checked_product(nccl::kPlateauBytesPerMember, links.members));
    cost.plateau_latency = (nccl::kPlateauFactor - 1.0) * latency;
  }
  return cost;
}

SizeRamp ramp_of(CollectiveProtocol protocol) {
  if (protocol == CollectiveProtocol::ll) return SizeRamp::tree_ll;
  return protocol == CollectiveProtocol::ll128 ? SizeRamp::tree_ll128 : SizeRamp::tree_simple;
}

/// Cost of an all-reduce on trees. Every device sends the sum up and the result down, so a large S takes 2·S
/// divided by the bus bandwidth.
AlgorithmCost tree(CollectiveProtocol protocol, const GroupLinks& links) {
  const double chain = static_cast<double>(links.per_node - 1);
  const Seconds way_up = chain * hop_inside(nccl::kTreeHopInside.of(protocol), links) +
                         levels(links.nodes) * hop_across(nccl::kTreeHopAcross.of(protocol), links);
  BytesPerSecond bus = nccl::kTree * ring_bus_bandwidth(links);
  if (protocol == CollectiveProtocol::ll)
    bus = std::min(bus / nccl::kTreeLlDivisor, nccl::most_of_ll(links.nccl->generation, links.nodes));
  if (protocol == CollectiveProtocol::ll128)
    bus *= links.nodes == 1 ? nccl::kTreeLl128InNode : nccl::kTreeLl128Across;
  return {.choice = {CollectiveAlgorithm::tree, protocol, rails_of(links)},
          .latency = links.nccl->fixed + micros(nccl::kTreeBase.of(protocol)) + 2.0 * way_up,
          .bandwidth = bus / 2.0,
          .ramp = ramp_of(protocol)};
}

/// Each device sends its own S bytes up to the switch to be reduced, and the S/g bytes whose sum it holds
/// once more to be multicast: S·(1 + 1/g) in all.
BytesPerSecond nvls_bandwidth(const GroupLinks& links) {
  return links.nccl->nvls_bandwidth / (1.0 + 1.0 / static_cast<double>(links.per_node));
}

AlgorithmCost nvls(const GroupLinks& links) {
  return {.choice = {CollectiveAlgorithm::nvls, CollectiveProtocol::simple, 1},
          .latency = links.nccl->fixed + hop_inside(nccl::kNvls, links),
          .bandwidth = nvls_bandwidth(links),
          .ramp = SizeRamp::nvls,
          .sharers = links.per_node};
}

/// Cost of an NVLS tree. With two nodes, each node sends its sums to the other once. In a larger tree a node
/// has two children, so the NICs carry 2·S/g; the devices also add up what arrives and keep kNvlsTreeShare of
/// their rate.
AlgorithmCost nvls_tree(const GroupLinks& links) {
  const BytesPerSecond pooled = static_cast<double>(links.per_node) * links.across.bandwidth;
  const BytesPerSecond in_node = nvls_bandwidth(links);
  const BytesPerSecond bandwidth =
      links.nodes == 2 ? std::min(in_node, pooled) : std::min(nccl::kNvlsTreeShare * in_node, pooled / 2.0);
  return {.choice = {CollectiveAlgorithm::nvls_tree, CollectiveProtocol::simple, rails_of(links)},
          .latency = links.nccl->fixed + hop_inside(nccl::kNvls, links) +
                     2.0 * levels(links.nodes) * hop_across(nccl::kNvlsTreeHopAcross, links),
          .bandwidth = bandwidth,
          .ramp = SizeRamp::nvls,
          .sharers = links.per_node};
}

AlgorithmCost pat(const GroupLinks& links) {
  const auto members = static_cast<double>(links.members);
  const Seconds hops = levels(links.nodes) * hop_across(nccl::kPatHopAcross, links) / nccl::kPatHopDivisor;
  return {
      .choice = {CollectiveAlgorithm::pat, CollectiveProtocol::simple, 1},
      .latency = links.nccl->fixed + micros(nccl::kPatBase) + hops + members * micros(nccl::kPatPerMember),
      .bandwidth = nccl::kPat * links.across.bandwidth * (members / (members - 1.0))};
}

/// True if LL128 is considered for this collective. All-gathers and reduce-scatters over several nodes with
/// several members each were measured at Simple's latency from 16 MiB on, although NCCL's constants favour
/// LL128 there.
bool runs_ll128(CollectiveKind kind, const GroupLinks& links) {
  return kind == CollectiveKind::all_reduce || links.nodes == 1 || links.per_node == 1;
}

/// Cost of an all-to-all. The sends to all peers overlap: the first message pays the latency of a hop, and
/// each further peer adds its share of a kernel.
AlgorithmCost exchange(const GroupLinks& links) {
  const auto peers = static_cast<double>(links.members - 1);
  const Seconds first = links.nodes == 1 ? links.inside.latency : links.across.latency;
  return {.choice = {CollectiveAlgorithm::pairwise, CollectiveProtocol::simple, 1},
          .latency = links.nccl->fixed + micros(nccl::kRingBase.simple) + first +
                     peers * micros(nccl::kExchangePerPeer),
          .bandwidth = nccl::kExchangeShare * exchange_bandwidth(links)};
}

}  // namespace

AlgorithmCosts nccl_algorithms(CollectiveKind kind, const GroupLinks& links) {
  AlgorithmCosts costs;
  if (kind == CollectiveKind::all_to_all) {
    costs.add(exchange(links));
    return costs;
  }
  for (const CollectiveProtocol protocol : kProtocols)
    if (protocol != CollectiveProtocol::ll128 || runs_ll128(kind, links))
      costs.add(ring(kind, protocol, links));
  if (kind != CollectiveKind::all_reduce) {
    if (links.nodes > 1 && links.per_node == 1) costs.add(pat(links));
    return costs;
  }
  for (const CollectiveProtocol protocol : kProtocols) costs.add(tree(protocol, links));
  if (links.nccl->nvls_bandwidth > BytesPerSecond() && links.per_node > 1)
    costs.add(links.nodes == 1 ? nvls(links) : nvls_tree(links));
  return costs;
}

}  // namespace foreshard
