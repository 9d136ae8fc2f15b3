#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// How a collective moves its data.
enum class CollectiveAlgorithm : std::uint8_t {
  ring,       ///< every piece of the data passes around all members
  tree,       ///< a chain in each node and two binary trees over the nodes: sums go up, results come down
  nvls,       ///< the NVSwitch reduces and multicasts (NVLink SHARP)
  nvls_tree,  ///< NVLS in each node, trees over the nodes
  pat,        ///< parallel aggregated trees: log N rounds, one member per node
  pairwise,   ///< every member sends to every other member: an all-to-all, or a single transfer
};

/// NCCL's protocols for handing data over. LL: 4 bytes of data with 4 bytes of flag; LL128: 120 of 128 bytes
/// are data; Simple: plain data and a flag per chunk.
enum class CollectiveProtocol : std::uint8_t {
  none,  ///< the library is not NCCL
  ll,
  ll128,
  simple,
};

/// The algorithm and protocol that a library chooses for one collective.
struct CollectiveChoice {
  CollectiveAlgorithm algorithm = CollectiveAlgorithm::ring;
  CollectiveProtocol protocol = CollectiveProtocol::none;
  std::int64_t rails = 1;  ///< parallel rings or trees, one for each of the group's NICs in a node; 1 within
                           ///< a node
  friend constexpr bool operator==(const CollectiveChoice&, const CollectiveChoice&) = default;
};

/// "ring, LL128"; "ring" if there is no protocol.
std::string to_string(const CollectiveChoice& choice);

/// How the bandwidth of an algorithm depends on the message size.
enum class SizeRamp : std::uint8_t {
  none,
  tree_ll,  ///< NCCL's correction of trees for medium messages, one for each protocol
  tree_ll128,
  tree_simple,
  node_ring,  ///< rings within a node, LL128 and Simple
  nvls,
};

/// The cost of one algorithm and protocol for a collective of a group. S bytes (as nccl-tests counts them)
/// take latency + S / (bandwidth · ramp(S)).
struct AlgorithmCost {
  CollectiveChoice choice;
  Seconds latency;           ///< of all steps together
  BytesPerSecond bandwidth;  ///< S divided by its time, for large S
  SizeRamp ramp = SizeRamp::none;
  std::int64_t sharers = 1;       ///< members of a node that share S, which node_ring and nvls depend on
  Bytes plateau = Bytes(kNever);  ///< from this size on, plateau_latency is added
  Seconds plateau_latency = Seconds();  ///< additional latency of large messages

  [[nodiscard]] Seconds time(Bytes payload) const { return steps(payload) + payload / rate(payload); }
  /// The latency of all steps, without the time to move the data.
  [[nodiscard]] Seconds steps(Bytes payload) const {
    return payload < plateau ? latency : latency + plateau_latency;
  }
  /// Bytes per second at which the data move: S divided by the time without steps().
  [[nodiscard]] BytesPerSecond rate(Bytes payload) const;

 private:
  static constexpr std::int64_t kNever = INT64_MAX;
};

/// The algorithms among which a library chooses for one kind of collective. They are few, so a fixed array
/// holds them without allocation.
class AlgorithmCosts {
 public:
  void add(const AlgorithmCost& cost);
  [[nodiscard]] std::span<const AlgorithmCost> all() const { return {costs_.data(), count_}; }
  /// The fastest algorithm at this size, the first of equals. @pre there is at least one
  [[nodiscard]] const AlgorithmCost& fastest(Bytes payload) const;

 private:
  std::array<AlgorithmCost, 8> costs_;
  std::size_t count_ = 0;
};

}  // namespace foreshard
