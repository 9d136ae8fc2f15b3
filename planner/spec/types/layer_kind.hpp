#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "planner/spec/types/attention_options.hpp"
#include "planner/spec/types/linear_mixers.hpp"

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
  AttentionOptions options{};
  [[nodiscard]] std::int64_t v_head_dim() const { return options.v_head_dim.value_or(head_dim); }
  friend constexpr bool operator==(const SoftmaxAttention&, const SoftmaxAttention&) = default;
};

struct LatentAttention {
  MlaSpec sizes;
  std::int64_t heads = 0;
  std::optional<std::int64_t> window{};  ///< keys that a query sees; none: all
  bool rope = true;                      ///< the columns for rotary positions are rotated
  OutputGate gate = OutputGate::none;
  std::optional<Indexer> indexer{};
  friend constexpr bool operator==(const LatentAttention&, const LatentAttention&) = default;
};

/// The ranks and sizes of DeepSeek-V4's attention that all its layers share.
struct CompressedSizes {
  std::int64_t q_rank = 0;         ///< of the compressed queries
  std::int64_t rope_head_dim = 0;  ///< elements at the end of a head that are rotated
  std::int64_t output_rank = 0;    ///< columns that the output product makes of each group of heads …
  std::int64_t output_groups =
      1;  ///< … before a second product brings those of all groups to the stream's width
  friend constexpr bool operator==(const CompressedSizes&, const CompressedSizes&) = default;
};

/// DeepSeek-V4's attention (arXiv:2606.19348, section 2.3): one head of keys, which are the values too, sinks, and
/// beside the keys of a window compressed ones. Each is a weighted mean of `compression` tokens; with an indexer, of
/// twice as many that overlap, of which a query sees the best.
struct CompressedAttention {
  CompressedSizes sizes;
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::optional<std::int64_t> window{};  ///< uncompressed keys that a query sees; none: all
  std::int64_t compression = 0;          ///< tokens of a compressed key; 0: there are none
  std::optional<Indexer> indexer{};
  friend constexpr bool operator==(const CompressedAttention&, const CompressedAttention&) = default;
};

/// No mixer: the layer has only a feed-forward network.
struct NoMixer {
  friend constexpr bool operator==(const NoMixer&, const NoMixer&) = default;
};

/// The sublayer that mixes the tokens of a sequence.
using Mixer = std::variant<SoftmaxAttention, LatentAttention, CompressedAttention, Mamba2, GatedDeltaNet,
                           KimiDelta, NoMixer>;
/// The words for mixers. sparse_attention: attention or mla with an indexer, or attention to compressed keys.
enum class MixerKind : std::uint8_t {
  attention,
  mla,
  sparse_attention,
  mamba2,
  gated_delta_net,
  kimi_delta,
  none
};
enum class FeedForward : std::uint8_t { dense, experts, none };

/// One kind of layer: its mixer, and the feed-forward network after it. Settings that all kinds of a model
/// share (widths, norms, biases, experts) are in ModelSpec.
struct LayerKind {
  std::string name;
  Mixer mixer;
  FeedForward ffn = FeedForward::dense;
  /// Of experts: a table gives each token of the vocabulary its experts, and the router only weighs them (hash layers,
  /// arXiv:2106.04426).
  bool hash_routing = false;
  /// Rows of the busiest rank's experts over those that ExpertsSpec::imbalance says. Of other layers 1.
  double expert_load = 1.0;
  std::optional<std::int64_t> ffn_hidden{};  ///< width of a dense feed-forward network; none: the model's

  /// True if both kinds are the same except for their names.
  [[nodiscard]] bool does_the_same_as(const LayerKind& other) const {
    return has_weights_of(other) && mixer == other.mixer && expert_load == other.expert_load;
  }
  /// True if layers of both kinds have the same weights.
  [[nodiscard]] bool has_weights_of(const LayerKind& other) const;
};

/// The mixer without its window and chunk. Mixers that differ only in these have the same weights and
/// activations.
Mixer without_window(Mixer mixer);

inline bool LayerKind::has_weights_of(const LayerKind& other) const {
  return without_window(mixer) == without_window(other.mixer) && ffn == other.ffn &&
         hash_routing == other.hash_routing && ffn_hidden == other.ffn_hidden;
}

inline bool has_mixer(const LayerKind& kind) { return !std::holds_alternative<NoMixer>(kind.mixer); }
inline bool has_ffn(const LayerKind& kind) { return kind.ffn != FeedForward::none; }

/// The largest number of keys that a query of this mixer sees; none: all of its sequence.
std::optional<std::int64_t> window_of(const Mixer& mixer);
/// The chunk within which a query of this mixer sees keys; none: there are no chunks.
std::optional<std::int64_t> chunk_of(const Mixer& mixer);
/// The indexer that chooses the keys of this mixer; none: it is not sparse.
std::optional<Indexer> indexer_of(const Mixer& mixer);
/// The word for this mixer: with an indexer it is sparse attention.
MixerKind mixer_kind(const Mixer& mixer);

}  // namespace foreshard
