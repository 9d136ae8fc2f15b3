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
  ring,       ///< every block passes around all members
  tree,       ///< a chain in each node and two binary trees over the nodes: up and down again
  nvls,       ///< the NVSwitch reduces and multicasts (NVLink SHARP)
  nvls_tree,  ///< NVLS in each node, trees over the nodes
  pat,        ///< parallel aggregated trees: log N rounds, one member per node
  pairwise,   ///< every member sends to every other: an all-to-all, or one transfer
};

/// How NCCL's kernels hand data over. LL: 4 bytes of data beside 4 of flag; LL128: 120 of 128 bytes are data;
/// Simple: plain data and a flag per chunk.
enum class CollectiveProtocol : std::uint8_t {
  none,  ///< another library's
  ll,
  ll128,
  simple,
};

/// What a library chooses for one collective.
struct CollectiveChoice {
  CollectiveAlgorithm algorithm = CollectiveAlgorithm::ring;
  CollectiveProtocol protocol = CollectiveProtocol::none;
  std::int64_t rails = 1;  ///< rings or trees side by side, one for each NIC of a node that the group owns; 1
                           ///< in a node
  friend constexpr bool operator==(const CollectiveChoice&, const CollectiveChoice&) = default;
};

/// "ring, LL128"; "ring" where there is no protocol.
std::string to_string(const CollectiveChoice& choice);

/// How the bandwidth of a way depends on size.
enum class SizeRamp : std::uint8_t {
  none,
  tree_ll,  ///< NCCL's correction of medium trees, one for each protocol
  tree_ll128,
  tree_simple,
  node_ring,  ///< rings in a node, LL128 and Simple
  nvls,
};

/// One way to run a collective of a group. S bytes (as nccl-tests counts them) take
/// latency + S / (bandwidth · ramp(S)).
struct AlgorithmCost {
  CollectiveChoice choice;
  Seconds latency;           ///< of all steps together
  BytesPerSecond bandwidth;  ///< S over the time that a large S takes
  SizeRamp ramp = SizeRamp::none;
  Bytes plateau = Bytes(kNever);        ///< from this size on …
  Seconds plateau_latency = Seconds();  ///< … it takes so much longer

  [[nodiscard]] Seconds time(Bytes payload) const { return steps(payload) + payload / rate(payload); }
  /// What its steps take beside moving the data …
  [[nodiscard]] Seconds steps(Bytes payload) const {
    return payload < plateau ? latency : latency + plateau_latency;
  }
  /// … and S over the time that moving them takes.
  [[nodiscard]] BytesPerSecond rate(Bytes payload) const;

 private:
  static constexpr std::int64_t kNever = INT64_MAX;
};

/// The ways among which a library chooses for one kind of collective, at most a handful: no allocation.
class AlgorithmCosts {
 public:
  void add(const AlgorithmCost& cost);
  [[nodiscard]] std::span<const AlgorithmCost> all() const { return {costs_.data(), count_}; }
  /// The fastest at this size, the first of equals. @pre there is one
  [[nodiscard]] const AlgorithmCost& fastest(Bytes payload) const;

 private:
  std::array<AlgorithmCost, 8> costs_;
  std::size_t count_ = 0;
};

}  // namespace foreshard
