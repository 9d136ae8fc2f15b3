#pragma once

#include <cstdint>
#include <optional>

namespace foreshard {

/// A gate on the output of the attention core, before the output projection: out ∘ sigmoid(x·W_gateᵀ). With
/// `elementwise` the gate has an element for each element of the output (Qwen3-Next), with `headwise` one for
/// each head (Step 3.5). Source: Qiu et al. 2025, arXiv:2505.06708.
enum class OutputGate : std::uint8_t { none, elementwise, headwise };

/// How an indexer scores keys. lightning: Σ over index heads of w_h·relu(q_h·k), with queries from the latent of
/// MLA's queries (from x where there is none), one key head with a LayerNorm, and the weights w from x
/// (DeepSeek-V3.2, arXiv:2512.02556). block: the largest score q_h·k of a block of keys; queries and keys come
/// from x, each with an RMSNorm (MiniMax-M3).
enum class IndexerKind : std::uint8_t { lightning, block };

/// The indexer of sparse attention: a small attention of its own that chooses which keys a query sees.
struct Indexer {
  IndexerKind kind = IndexerKind::lightning;
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t top_k = 0;  ///< keys that a query sees, in tokens
  std::int64_t block = 1;  ///< keys are chosen in blocks of so many
  /// True: this layer has no indexer; its queries see the keys that the last layer with one has chosen (GLM-5.2).
  bool is_shared = false;
  friend constexpr bool operator==(const Indexer&, const Indexer&) = default;
};

/// What an attention layer may have beyond heads, positions and a window. All unsaid: as in Llama.
struct AttentionOptions {
  std::optional<std::int64_t> v_head_dim{};  ///< elements of a value head; none: as those of a key
  std::optional<std::int64_t> rotary_dim{};  ///< elements of a head that are rotated; none: all
  /// A query sees only keys of its own chunk of so many tokens (Llama 4); none: no chunks.
  std::optional<std::int64_t> chunk{};
  OutputGate gate = OutputGate::none;
  bool values_are_keys = false;  ///< one projection makes keys and values (Gemma 4's global layers)
  bool v_norm = false;           ///< values are normalised too, without weights (Gemma 4)
  std::optional<Indexer> indexer{};
  friend constexpr bool operator==(const AttentionOptions&, const AttentionOptions&) = default;
};

}  // namespace foreshard
