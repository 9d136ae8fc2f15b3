#pragma once

#include <cstdint>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// What is captured in CUDA graphs, which the host launches as a whole. none: nothing. layer: each layer's
/// forward and backward pass, but not the part that runs experts, whose sizes are known only at run time.
/// full: the forward and backward passes of the whole step; token counts then stay on the device. The
/// optimizer is never captured.
enum class Graphs : std::uint8_t { none, layer, full };

/// How a framework's host issues operations. The sources are in docs/frameworks.md.
struct HostConventions {
  /// Host time per kernel that is not part of compiled code, in addition to its launch: Python, module hooks,
  /// the dispatcher, the autograd node.
  Seconds operation{};
  /// The same for a product with weights: a module of its own.
  Seconds linear{};
  /// The same for a collective or a transfer.
  Seconds collective{};
  /// The same for a gather or scatter that is called with a list of shards, without what each shard takes.
  Seconds list_call{};
  bool awaits_counts = false;     ///< the host reads how many tokens each expert gets
  bool awaits_loss = false;       ///< the host reads the loss of each micro-batch
  bool awaits_norm = false;       ///< the host reads the gradient norm before it issues the updates
  bool awaits_transfers = false;  ///< the host waits for each transfer between stages that does not overlap
};

}  // namespace foreshard
