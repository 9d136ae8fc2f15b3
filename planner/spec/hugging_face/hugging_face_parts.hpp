#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "planner/spec/hugging_face/hugging_face_layers.hpp"
#include "planner/spec/hugging_face/hugging_face_translation.hpp"

namespace foreshard::detail {

/// A model as far as its config.json has been translated.
struct Model {
  Translation t;          ///< the model's own keys
  Translation attention;  ///< what its attention is beyond heads and windows; of latent attention, everything
  const char* form;       ///< of its attention: softmax, mla or compressed
  LayerTable layers;

  /// The model's map, with all parts of it.
  [[nodiscard]] NodePtr result();
};

/// Opens the translation of a config: counts its layers and says them.
Model open_model(const Translation& config);

/// Which layers of a model family have sliding windows, in configs without "layer_types".
struct WindowRule {
  enum class Layers : std::uint8_t {
    none,
    all,
    all_if_used,  ///< all layers if use_sliding_window is true
    alternate,    ///< the first, the third and so on
    upper,        ///< from layer max_window_layers on, if use_sliding_window is true
    but_last_of,  ///< all but the last of every `period` layers
  };
  Layers layers = Layers::none;
  std::int64_t usual = 0;   ///< the window in tokens if the config does not mention it; 0: no window
  std::int64_t period = 0;  ///< of but_last_of, where sliding_window_pattern does not say it
};

/// Whether queries and keys have norms: of each head, or of all heads at once.
enum class QkNorm : std::uint8_t { none, each, whole };

// --- sizes

/// hidden, ffn_hidden, heads, vocab.
void say_sizes(Model& m);
/// hidden, heads, vocab: for models without a dense feed-forward network.
void say_stream(Model& m);
/// kv_heads and head_dim, where the file has them.
void say_heads(Model& m);
/// tied_embeddings, with the family's value if the file has none.
void say_tied(Model& m, bool usual);

// --- the feed-forward network

/// Translates the activation of a gated FFN.
void say_gated(Model& m, const char* from, const std::string& usual);
/// Translates the activation of an FFN with two matrices.
void say_plain(Model& m, const char* from, const std::string& usual);

// --- attention

void say_qk_norm(Model& m, QkNorm norm);
/// `attention_bias`: biases of the projections of queries, keys and values, and of the output if `output`.
void say_attention_bias(Model& m, bool usual = false, bool output = true);
/// Rotary positions of a part of each head, by any of the keys that say so.
void say_partial_rotary(Model& m, double usual = 1.0);
/// Sliding windows by "layer_types", else by the family's rule.
void say_windows(Model& m, const WindowRule& rule);
/// The words of "layer_types", one per layer; empty if the file has none. Layers of multi-token prediction may
/// follow at the list's end.
std::vector<std::string> layer_types(const Model& m, const char* from = "layer_types");
/// Layers without rotary positions: "no_rope_layers", else every `interval`-th; 0: none.
std::vector<bool> without_positions(const Model& m, std::int64_t usual_interval);
/// Describes a mixer by what its attention says.
void describe_attention(Model& m, const std::string& word, const Translation& attention);

// --- experts

/// What families of mixtures of experts differ in.
struct ExpertRule {
  const char* hidden = "moe_intermediate_size";  ///< the key of an expert's width
  bool score_bias = false;                       ///< the router has a bias per expert, not said by a key
  bool shared_gate = false;                      ///< a gate scales the output of the shared experts
  std::int64_t shared_hidden = -1;               ///< of the shared experts; -1: by the file's keys
};
/// The experts, and which layers have them.
void say_experts(Model& m, const ExpertRule& rule);
/// Sets the layers with experts by the keys that say which, and "dense" for the others.
void say_expert_layers(Model& m);

// --- other parts

/// Modules of multi-token prediction.
void say_mtp(Model& m);
/// The same where the file does not say what their layers are: a note says that they are left out.
void leave_mtp_out(Model& m);

/// Latent attention (MLA): its ranks and head sizes, as the model's attention.
void say_latent(Model& m);
/// Llama's sizes, heads, activation and tied embeddings.
void say_llama(Model& m, bool tied = false);

// --- families

/// A family of models with the same architecture, and the function that translates its configs.
struct Family {
  std::string_view architecture;  ///< without "ForCausalLM" and the like
  std::string_view model_type;
  void (*translate)(Model&);
};
/// A family that cannot be planned, and what foreshard has no notion of.
struct UnplannedFamily {
  std::string_view architecture;
  std::string_view model_type;
  std::string_view lacking;
};

/// All families that are read, the newest first.
const std::vector<Family>& families();
const std::vector<UnplannedFamily>& unplanned_families();

std::vector<Family> dense_families();
std::vector<Family> older_families();
std::vector<Family> expert_families();
std::vector<Family> latent_families();
std::vector<Family> hybrid_families();

}  // namespace foreshard::detail
