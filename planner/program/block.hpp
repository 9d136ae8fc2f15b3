#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "planner/program/ops/op.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// The part of the model or of the step that a block computes.
enum class BlockKind : std::uint8_t {
  embedding,
  dense_layer,
  moe_layer,
  mixer_layer,  ///< a layer without a feed-forward network
  head,         ///< final norm, output projection, loss
  mtp,          ///< the entry of a module of multi-token prediction
  mtp_head,     ///< a module's final norm, output projection and loss
  pipeline,     ///< a transfer between stages
  prologue,     ///< zero the gradients
  sync,         ///< data-parallel gradient synchronisation, or gathering updated weights
  clip,         ///< global gradient norm
  update,       ///< optimizer
};

constexpr bool is_layer(BlockKind kind) {
  return kind == BlockKind::dense_layer || kind == BlockKind::moe_layer || kind == BlockKind::mixer_layer;
}

/// The pass in which a block runs.
enum class Pass : std::uint8_t {
  forward,
  backward,  ///< all gradients; where the schedule splits backward, only those that earlier layers wait for
  weight,    ///< where the schedule splits backward: the weight gradients, which run later
  once,      ///< outside all micro-batches
};

/// A straight-line list of operations for one (layer kind, pass, shard). It is emitted once, priced once and
/// run many times. The list is in program order: each lane runs its operations in this order. An operation
/// waits for the last earlier write of each tensor that it reads, and for the last earlier use of each tensor
/// that it writes.
struct Block {
  std::string name;  ///< "dense_layer forward"
  BlockKind kind = BlockKind::dense_layer;
  Pass pass = Pass::forward;
  std::vector<Op> ops;
};

std::string_view to_string(BlockKind kind);
std::string_view to_string(Pass pass);

}  // namespace foreshard
