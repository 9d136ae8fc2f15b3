#pragma once

#include <cstddef>
#include <cstdint>

#include "planner/cost/collectives/algorithm_cost.hpp"
#include "planner/spec/types/nccl_spec.hpp"
#include "planner/units/quantity.hpp"

/// The constants by which NCCL chooses an algorithm and a protocol: latencies in microseconds, bandwidths in
/// GB/s.
/// Source: NVIDIA/nccl 2.30.7 (commit 5067397, 2026-06-11), src/graph/tuning.cc.
namespace foreshard::nccl {

/// One value for each protocol: LL, LL128, Simple.
struct PerProtocol {
  double ll;
  double ll128;
  double simple;
  [[nodiscard]] constexpr double of(CollectiveProtocol protocol) const {
    return protocol == CollectiveProtocol::ll ? ll : protocol == CollectiveProtocol::ll128 ? ll128 : simple;
  }
};

/// Latency paid once per collective (baseLat).
inline constexpr PerProtocol kRingBase{6.6, 14.0, 8.4};
inline constexpr PerProtocol kTreeBase{6.8, 14.0, 8.4};
inline constexpr double kPatBase = 8.0;

/// Latency per step, within a node over NVLink and across nodes over the network (hwLat). The values of
/// Simple rings are the reference with which the latencies in a cluster's YAML are compared.
inline constexpr PerProtocol kRingHopInside{0.6, 1.9, 3.4};
inline constexpr PerProtocol kRingHopAcross{2.7, 4.0, 14.0};
inline constexpr PerProtocol kTreeHopInside{0.6, 1.25, 4.0};
inline constexpr PerProtocol kTreeHopAcross{5.0, 8.5, 14.0};
inline constexpr double kNvls = 25.0;               ///< a whole NVLS collective within a node
inline constexpr double kNvlsTreeHopAcross = 20.9;  ///< an NVLS tree, per level and direction
inline constexpr double kPatHopAcross = 14.0;
inline constexpr double kPatHopDivisor = 3.5;  ///< because the levels of PAT overlap
inline constexpr double kPatPerMember = 2.8;
/// Lower limit of a ring's step within a node, if the ring spans several nodes: the proxy's overhead (Intel
/// hosts).
inline constexpr PerProtocol kRingHopInsideLeast{1.0, 1.0, 3.0};
/// Factor on the latency of a Simple ring's all-reduce across nodes, for messages of at least 65,536 bytes
/// per 16 members (that limit is NCCL 2.8's).
inline constexpr double kPlateauFactor = 1.4;
inline constexpr std::int64_t kPlateauBytesPerMember = 65'536 / 16;

/// Bandwidths relative to the ring's bus bandwidth.
inline constexpr double kRingLl = 0.5;
inline constexpr double kRingLl128 = 0.92;           ///< 120 of 128 bytes
inline constexpr double kRingLl128OnePerNode = 0.7;  ///< one GPU both sends and receives through the NIC
inline constexpr double kTree = 0.92;
inline constexpr double kTreeLlDivisor = 3.8;
inline constexpr double kTreeLl128InNode = 7.0 / 9.0;
inline constexpr double kTreeLl128Across = 15.0 / 16.0;
inline constexpr double kPat = 0.75;

// ---- Not NCCL's: fitted to measured collectives (docs/collectives.md).

/// Share of its NVLS rate that a device reaches in an NVLS tree over more than two nodes.
inline constexpr double kNvlsTreeShare = 0.54;
/// Share of their bandwidth that rings within a node, and NVLS, reach with messages up to 16 MiB: NCCL uses
/// fewer channels for smaller messages. Nodes of 72 members reach it at 72/8 times that size.
inline constexpr double kNodeRingMediumShare = 0.85;
inline constexpr double kNvlsMediumShare = 0.75;
/// Returns medium_share up to 16 MiB and 1 from 1 GiB on; between these, linear in the logarithm of the size. With
/// more than 8 `sharers`, members of a node, both ends are sharers/8 times as large.
double share_at(double medium_share, Bytes payload, std::int64_t sharers);
/// Share of its links' rate that an all-to-all reaches.
inline constexpr double kExchangeShare = 0.92;
/// Additional time of an all-to-all per peer, besides the time to move the data.
inline constexpr double kExchangePerPeer = 1.0;

/// Upper limit of LL's bandwidth on 1, 2 or more nodes, due to its polling (llMaxBws).
BytesPerSecond most_of_ll(NcclGeneration generation, std::int64_t nodes);

/// Share of their bandwidth that trees reach at this size (treeCorrectionFactor): a table of values from 0.4
/// to 1 for powers of two from 64 B to 512 MiB, interpolated over the logarithm of the size, so that more
/// bytes never take less time.
double tree_correction(CollectiveProtocol protocol, Bytes payload);

}  // namespace foreshard::nccl
