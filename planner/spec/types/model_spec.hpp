#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/spec/types/layer_kind.hpp"

namespace foreshard {

/// The activation between the two (or three) matrices of the feed-forward network.
/// Gated kinds have three matrices: down(act(gate(x)) ∘ up(x)); the activation is SiLU for swiglu, GELU for
/// geglu, sigmoid for glu. Plain kinds have two: down(act(up(x))). sqrelu is relu(x)². Source: Shazeer 2020,
/// arXiv:2002.05202.
enum class FfnKind : std::uint8_t { swiglu, geglu, glu, gelu, relu, sqrelu };
constexpr bool is_gated(FfnKind kind) {
  return kind == FfnKind::swiglu || kind == FfnKind::geglu || kind == FfnKind::glu;
}

enum class NormKind : std::uint8_t { rmsnorm, layernorm };  ///< layernorm has a bias, rmsnorm has not
/// Which linear layers have biases. none: no layer; qkv: the q, k and v projections; attention: these and the
/// output projection; all: also those of the FFN, experts and router.
enum class Biases : std::uint8_t { none, qkv, attention, all };
enum class Positions : std::uint8_t { rope, learned, alibi, none };

/// Mixture of experts, in the FFN of every layer except the first `dense_layers`.
struct ExpertsSpec {
  std::int64_t count = 0;          ///< experts per layer
  std::int64_t per_token = 0;      ///< k of the top-k router
  std::int64_t hidden = 0;         ///< ffn hidden size of one expert
  std::int64_t shared_hidden = 0;  ///< total ffn hidden size of the shared experts, which process every token
  std::int64_t dense_layers = 0;   ///< leading layers with the model's ordinary FFN
  double imbalance = 1.0;          ///< tokens of the most loaded expert-parallel rank over the mean
  double load_spread = 0.0;     ///< instead: relative standard deviation of the experts' loads; 0: not given
  std::vector<double> loads{};  ///< instead: load of each expert, in any unit; empty: not given
  /// The router adds one number per expert to its scores when it chooses (DeepSeek-V3, arXiv:2412.19437,
  /// section 2.1.2). The number is updated by a rule, not by gradients.
  bool score_bias = false;
  /// Group-limited routing (DeepSeek-V2, arXiv:2405.04434, section 2.2.2): a token goes to experts of at most
  /// groups_per_token of the groups into which the experts are divided. 1 and 1: to any experts.
  std::int64_t groups = 1;
  std::int64_t groups_per_token = 1;
  /// Latent experts (Nemotron 3): routed experts work on rows of this width, which one product makes before the
  /// dispatch; another brings their sum back to the stream's width. Shared experts have the full width. None: no
  /// latent.
  std::optional<std::int64_t> latent{};
  bool shared_gate = false;  ///< the shared experts' output is scaled by sigmoid(x·wᵀ), w (1, hidden) (Qwen)
  /// Gemma 4: the shared experts are a dense FFN beside the routed ones. Each of the two has a norm before and
  /// after it, and the router has a norm and a scale per expert.
  bool own_norms = false;
};

/// Multi-token prediction (DeepSeek-V3, arXiv:2412.19437, section 2.2): after the last layer, module k predicts the
/// token that is k + 1 positions further on. A module has norms of its input and of the next token's
/// embedding, a projection of both to the model's width, its own layers, a final norm, and a loss of its own.
/// Embedding table and output head are the model's.
struct MtpSpec {
  std::int64_t modules = 0;
  /// The layers of one module, as indices into layer_kinds. Empty: one layer of the kind of the last layer.
  std::vector<std::size_t> pattern{};
};

/// Hyper-connections (arXiv:2409.19606), with mixing matrices whose rows and columns sum to one (mHC, arXiv:2512.24880):
/// the residual stream is several rows of the model's width. Before a sublayer they are mixed into one, and after it
/// mixed with each other and its output, by weights that a product of all of them gives. How many iterations bring the
/// matrices' sums to one does not matter: they run on n² numbers of a token in registers.
struct HyperConnections {
  std::int64_t streams = 0;
  /// Weights of a sublayer's mixing: n to read the streams, n to write them, n² to mix them.
  [[nodiscard]] std::int64_t weights() const { return streams * (streams + 2); }
};

/// The architecture of a decoder (or, with causal = false, encoder) transformer. Readers return only valid
/// ones. Sizes are whole numbers of elements.
struct ModelSpec {
  std::string name;
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t ffn_hidden = 0;
  FfnKind ffn = FfnKind::swiglu;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocab = 0;
  std::int64_t vocab_multiple = 128;  ///< programs pad the vocabulary to a multiple of this times tp
  bool tied_embeddings = false;
  NormKind norm = NormKind::rmsnorm;
  /// 2: one before each sublayer; 1: one that attention and FFN share, which then run in parallel; 4: also one after
  /// each sublayer.
  std::int64_t norms_per_layer = 2;
  /// Attention and FFN run in parallel: y = x + attention(norm(x)) + ffn(norm(x)), with a norm for each of them
  /// (GPT-NeoX, arXiv:2204.06745, section 2.1) or one for both (GPT-J, Falcon, Command R).
  bool parallel_residual = false;
  Biases biases = Biases::none;
  bool qk_norm = false;
  /// The norms of queries and keys normalise all heads of a token together (OLMo 2, arXiv:2501.00656) instead
  /// of each head.
  bool qk_norm_whole = false;
  /// One learned logit per head joins every softmax (gpt-oss, arXiv:2508.10925).
  bool attention_sinks = false;
  Positions positions = Positions::rope;
  std::int64_t max_positions = 0;  ///< rows of the learned position table; 0: the job's sequence length
  bool causal = true;
  std::optional<std::int64_t> window;  ///< sliding-window attention: keys seen by a query
  std::optional<MlaSpec> mla;
  std::optional<CompressedSizes> compressed{};  ///< attention with compressed keys (DeepSeek-V4)
  std::int64_t compression = 0;                 ///< of it: tokens of a compressed key; 0: there are none
  AttentionOptions attention_options{};         ///< of latent attention: only gate and indexer
  std::optional<ExpertsSpec> experts;
  /// The kinds of layers, if there are several; layer_pattern() resolves them. Without a pattern, all layers
  /// are as the members above say.
  std::vector<LayerKind> layer_kinds{};
  std::vector<std::size_t> pattern{};  ///< indices into layer_kinds, by layer; repeated over the layers
  /// What the real model has and this description leaves out, one sentence each, without a full stop.
  std::vector<std::string> left_out{};
  std::optional<MtpSpec> mtp{};
  std::optional<HyperConnections> hyper_connections{};
  /// Rows of the model's width that make up the residual stream.
  [[nodiscard]] std::int64_t streams() const { return hyper_connections ? hyper_connections->streams : 1; }
};

}  // namespace foreshard
