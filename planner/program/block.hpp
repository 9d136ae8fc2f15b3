#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "planner/program/ops/op.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// What stretch of the model a block is about.
enum class BlockKind : std::uint8_t {
  embedding,
  dense_layer,
  moe_layer,
  mixer_layer,  ///< a layer without a feed-forward network
  head,         ///< final norm, output projection, loss
  pipeline,     ///< a transfer between stages
  prologue,     ///< zero the gradients
  sync,         ///< data-parallel gradient synchronisation, or gathering updated weights
  clip,         ///< global gradient norm
  update,       ///< optimizer
};

constexpr bool is_layer(BlockKind kind) {
  return kind == BlockKind::dense_layer || kind == BlockKind::moe_layer || kind == BlockKind::mixer_layer;
}

/// Which of a block kind's passes this is.
enum class Pass : std::uint8_t {
  forward,
  backward,  ///< the gradients, or, where the schedule splits them, those that the previous layer waits for
  weight,    ///< the weight gradients that such a schedule runs later
  once,      ///< outside all micro-batches
};

/// A straight-line list of operations for one (layer kind, pass, shard): emitted once, priced once, run many
/// times. Within the list, order is program order: each lane runs its operations in it, and an operation
/// waits for the last earlier write of what it reads and for the last earlier use of what it writes.
struct Block {
  std::string name;  ///< "dense_layer forward"
  BlockKind kind = BlockKind::dense_layer;
  Pass pass = Pass::forward;
  std::vector<Op> ops;
};

std::string_view to_string(BlockKind kind);
std::string_view to_string(Pass pass);

}  // namespace foreshard
