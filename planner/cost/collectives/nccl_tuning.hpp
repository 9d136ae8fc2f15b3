#pragma once

#include <cstddef>
#include <cstdint>

#include "planner/cost/collectives/algorithm_cost.hpp"
#include "planner/spec/types/nccl_spec.hpp"
#include "planner/units/quantity.hpp"

/// The constants by which NCCL chooses an algorithm and a protocol, as facts: latencies in microseconds,
/// bandwidths in GB/s. Source: NVIDIA/nccl 2.30.7 (commit 5067397, 2026-06-11), src/graph/tuning.cc.
namespace foreshard::nccl {

/// By protocol: LL, LL128, Simple.
struct PerProtocol {
  double ll;
  double ll128;
  double simple;
  [[nodiscard]] constexpr double of(CollectiveProtocol protocol) const {
    return protocol == CollectiveProtocol::ll ? ll : protocol == CollectiveProtocol::ll128 ? ll128 : simple;
  }
};

/// Once per collective (baseLat).
inline constexpr PerProtocol kRingBase{6.6, 14.0, 8.4};
inline constexpr PerProtocol kTreeBase{6.8, 14.0, 8.4};
inline constexpr double kPatBase = 8.0;

/// Per step over NVLink and over the network (hwLat). Simple's figures for rings are the reference to which
/// the latencies of a cluster's YAML compare.
inline constexpr PerProtocol kRingHopInside{0.6, 1.9, 3.4};
inline constexpr PerProtocol kRingHopAcross{2.7, 4.0, 14.0};
inline constexpr PerProtocol kTreeHopInside{0.6, 1.25, 4.0};
inline constexpr PerProtocol kTreeHopAcross{5.0, 8.5, 14.0};
inline constexpr double kNvls = 25.0;               ///< a whole NVLS collective in a node
inline constexpr double kNvlsTreeHopAcross = 20.9;  ///< NVLS tree, per level and direction
inline constexpr double kPatHopAcross = 14.0;
inline constexpr double kPatHopDivisor = 3.5;  ///< levels of PAT overlap
inline constexpr double kPatPerMember = 2.8;
/// Across nodes a step of a ring inside the node cannot be shorter: the proxy's overhead (Intel hosts).
inline constexpr PerProtocol kRingHopInsideLeast{1.0, 1.0, 3.0};
/// Longer latency of a Simple ring's all-reduce across nodes, for messages from 65,536 bytes per 16 members
/// on (that limit is NCCL 2.8's).
inline constexpr double kPlateauFactor = 1.4;
inline constexpr std::int64_t kPlateauBytesPerMember = 65'536 / 16;

/// Bandwidths relative to the ring's bus bandwidth.
inline constexpr double kRingLl = 0.5;
inline constexpr double kRingLl128 = 0.92;           ///< 120 of 128 bytes
inline constexpr double kRingLl128OnePerNode = 0.7;  ///< the same GPU sends and receives through the NIC
inline constexpr double kTree = 0.92;
inline constexpr double kTreeLlDivisor = 3.8;
inline constexpr double kTreeLl128InNode = 7.0 / 9.0;
inline constexpr double kTreeLl128Across = 15.0 / 16.0;
inline constexpr double kPat = 0.75;

// ---- Not NCCL's: fitted to measured collectives (docs/collectives.md).

/// What a device in an NVLS tree over more than two nodes keeps of its NVLS rate.
inline constexpr double kNvlsTreeShare = 0.54;
/// What rings in a node, and NVLS, reach of their bandwidth with messages up to 16 MiB: NCCL takes fewer
/// channels for less.
inline constexpr double kNodeRingMediumShare = 0.85;
inline constexpr double kNvlsMediumShare = 0.75;
/// That share up to 16 MiB, all from 1 GiB on, evenly over the logarithm in between.
double share_at(double medium_share, Bytes payload);
/// What an all-to-all reaches of its links' rate.
inline constexpr double kExchangeShare = 0.92;
/// An all-to-all's time for each peer beside the messages themselves.
inline constexpr double kExchangePerPeer = 1.0;

/// What LL's polling allows at most on 1, 2 or more nodes (llMaxBws).
BytesPerSecond most_of_ll(NcclGeneration generation, std::int64_t nodes);

/// By how much trees fall short of their bandwidth at this size (treeCorrectionFactor): 0.4 … 1 by powers of
/// two from 64 B to 512 MiB, in between interpolated over the logarithm, so that more bytes never take less
/// time.
double tree_correction(CollectiveProtocol protocol, Bytes payload);

}  // namespace foreshard::nccl
