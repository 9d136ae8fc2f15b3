#pragma once

#include <cstdint>

namespace foreshard {

/// How the loss is computed from the last layer's output. Sources: docs/frameworks.md, "The loss".
struct LossSpec {
  /// The kernels read the 16-bit logits and write their gradient in their place: no fp32 copy, no further
  /// tensor of the logits' size (Liger, TransformerEngine's parallel cross-entropy).
  bool fused = false;
  /// A compiler has fused the loss: its kernels read the 16-bit logits, but write their gradient beside them, because
  /// the logits are an input of what was compiled (torchtitan's `compile.components` with loss).
  bool compiled = false;
  /// The logits are never in memory: forward makes them tile by tile, and backward makes them again (Cut cross-entropy,
  /// Wijmans et al. 2024, arXiv:2411.09009).
  bool cut = false;
  /// Output projection, loss and their gradients run for one range of tokens after the other, all in forward,
  /// so that the logits of all tokens are never in memory together (Liger's fused linear cross-entropy). 1:
  /// for all tokens at once.
  std::int64_t chunks = 1;
  /// The logits stay cut over tp. If false, each rank gathers the whole vocabulary before the loss.
  bool sharded = true;
};

}  // namespace foreshard
