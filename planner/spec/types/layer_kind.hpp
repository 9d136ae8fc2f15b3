#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace foreshard {

/// Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434). All sizes in elements; q_rank 0 = no query
/// compression.
struct MlaSpec {
  std::int64_t q_rank = 0;
  std::int64_t kv_rank = 0;
  std::int64_t nope_head_dim = 0;
  std::int64_t rope_head_dim = 0;
  std::int64_t v_head_dim = 0;
  friend constexpr bool operator==(const MlaSpec&, const MlaSpec&) = default;
};

/// Softmax attention. The number of kv heads makes it MHA, GQA or MQA.
struct SoftmaxAttention {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::optional<std::int64_t> window{};  ///< keys that a query sees; none: all
  bool rope = true;                      ///< queries and keys are rotated by their positions
  bool qk_norm = false;
  bool sinks = false;
  friend constexpr bool operator==(const SoftmaxAttention&, const SoftmaxAttention&) = default;
};

struct LatentAttention {
  MlaSpec sizes;
  std::int64_t heads = 0;
  std::optional<std::int64_t> window{};  ///< keys that a query sees; none: all
  friend constexpr bool operator==(const LatentAttention&, const LatentAttention&) = default;
};

/// No mixer: the layer has only a feed-forward network.
struct NoMixer {
  friend constexpr bool operator==(const NoMixer&, const NoMixer&) = default;
};

/// The sublayer that mixes the tokens of a sequence.
using Mixer = std::variant<SoftmaxAttention, LatentAttention, NoMixer>;
enum class MixerKind : std::uint8_t { attention, mla, none };
enum class FeedForward : std::uint8_t { dense, experts, none };

/// One kind of layer: its mixer, and the feed-forward network after it. Settings that all kinds of a model
/// share (widths, norms, biases, experts) are in ModelSpec.
struct LayerKind {
  std::string name;
  Mixer mixer;
  FeedForward ffn = FeedForward::dense;

  /// True if both kinds are the same except for their names.
  [[nodiscard]] bool does_the_same_as(const LayerKind& other) const {
    return mixer == other.mixer && ffn == other.ffn;
  }
};

inline bool has_mixer(const LayerKind& kind) { return !std::holds_alternative<NoMixer>(kind.mixer); }
inline bool has_ffn(const LayerKind& kind) { return kind.ffn != FeedForward::none; }

/// The largest number of keys that a query of this mixer sees; none: all of its sequence.
std::optional<std::int64_t> window_of(const Mixer& mixer);
/// The mixer without its window. Mixers that differ only in their windows have the same weights and
/// activations.
Mixer without_window(Mixer mixer);

}  // namespace foreshard
