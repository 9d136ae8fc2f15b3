#pragma once

#include "planner/program/program_builder.hpp"

// Emits the forward blocks as one rank runs them with plain tensor parallelism. Sequence parallelism,
// recomputation and ZeRO are passes over these blocks, and the backward blocks are derived from them.

namespace foreshard {

/// The stream of activations between layers: instance l is the input of layer l. (T, D)
TensorId hidden_stream(ProgramBuilder& builder);
/// The gradient of that stream. (T, D)
TensorId hidden_gradient(ProgramBuilder& builder);

/// The stream between attention and FFN. (T, D)
inline constexpr Meaning kMidStream{ModelPart::residual, TensorItem::mid};

/// Token numbers, (T): `item` is ids or labels. Of the model itself (ModelPart::input), or those of a module of
/// multi-token prediction (ModelPart::mtp), whose tokens are further on: each module has its own.
TensorId token_numbers(ProgramBuilder& builder, TensorItem item, ModelPart part = ModelPart::input);
/// The table of token embeddings, (V, D), vocabulary cut over tp. It is added to `table`.
TensorId token_table(ProgramBuilder& builder, WeightGroup& table);

/// Appends y = norm(x), (T, D), and returns y, the output of `item`. The norm's weight (and bias, for
/// layernorm) are added to `group`.
TensorId emit_norm(ProgramBuilder& builder, Block& block, WeightGroup& group, const std::string& name,
                   TensorItem item, Operand x);

/// Appends y = a + x, or y = a + dropout(x) if the job runs dropout. The mask is a tensor of item `dropout`.
void emit_residual(ProgramBuilder& builder, Block& block, const std::string& name, TensorItem dropout,
                   Operand a, Operand x, Operand y);

/// Appends the mixer's sublayer of the current layer kind: norm, the mixer, output product, all-reduce, residual.
/// Input: hidden. Output: layer.mid, or hidden of the next layer if no FFN follows.
void emit_mixer(ProgramBuilder& builder, Block& block, WeightGroup& group);

/// What a mixer hands to its output product.
struct Mixed {
  TensorId rows{};         ///< (T, width), columns cut over tp by heads
  std::int64_t width = 0;  ///< columns of all heads
  ModelPart part = ModelPart::attention;
  Component component = Component::attention;
  bool has_bias = false;  ///< of the output product
};
/// Appends softmax attention of x (T, D): qkv, (qk norm,) rope, core, (gate).
Mixed emit_softmax_attention(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x);
/// Appends multi-head latent attention of x: q and kv, rope, core, (gate). With an indexer, the core runs on the
/// latents themselves, whose up products are applied to queries and outputs instead.
Mixed emit_latent_attention(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x);
/// Appends DeepSeek-V4's attention of x: queries, keys, their compression, indexer, core, the product of each group of
/// heads.
Mixed emit_compressed_attention(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x);
/// Appends a linear mixer of x: input product, convolution, scan, gated norm.
Mixed emit_linear_mixer(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x);

/// Appends the gate on the output of attention, if the job's attention has one: sigmoid(x·W_gateᵀ) ∘ mixed.
TensorId emit_output_gate(ProgramBuilder& builder, Block& block, WeightGroup& group, OutputGate gate,
                          TensorId x, const Mixed& mixed);
/// Appends an indexer and returns the keys that it chooses for each query, (T, top_k) numbers.
/// @param q_input what its queries come from: the latent of MLA's queries, else x
TensorId emit_indexer(ProgramBuilder& builder, Block& block, WeightGroup& group, const Indexer& indexer,
                      TensorId x, TensorId q_input);
/// The operand with which the core reads an indexer's choice. Empty where the layer uses the choice of an earlier
/// layer, which is not followed as a tensor from layer to layer.
std::vector<Operand> choice_of(ProgramBuilder& builder, Block& block, WeightGroup& group,
                               const Indexer& indexer, TensorId x, TensorId q_input);
/// Appends the attention core, layer.qkv → layer.attention.out: flash attention, or scores, softmax,
/// (dropout,) values. `further`: what flash attention reads besides qkv: an indexer's choice.
void emit_attention_core(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId qkv,
                         TensorId out, std::vector<Operand> further);

/// Positions that a query of the current layer kind sees: its window if that is shorter than the sequence,
/// else 0, which means all.
std::int64_t attention_window(const ProgramBuilder& builder);

/// The scores of the job's documents under the window of the current layer kind; none if each sequence is one
/// document.
std::optional<DocumentScores> packed_documents(const ProgramBuilder& builder);

/// Keys per query of the current layer kind, for counting FLOPs. Documents: see documents_spec.hpp. With a causal window w and s positions there
/// are Σ min(i + 1, w) ≈ s·w − w²/2 pairs of query and key. A causal mask is counted as half of the full
/// matrix, so the full matrix of an equivalent causal attention has 2·w − w²/s columns. For w = s that is s. An
/// indexer's top-k counts like a window, and chunks of c tokens have c columns.
std::int64_t visible_keys(const ProgramBuilder& builder);
/// Keys that an indexer chooses for a query of the current kind; 0: the kind has no indexer.
std::int64_t chosen_keys(const ProgramBuilder& builder);
/// The length of packed documents that are all alike and fill every sequence evenly; none of others.
std::optional<std::int64_t> even_document(const DocumentsSpec& documents, std::int64_t sequence);
/// Tokens of a chunk of the current kind, or of such documents if they are shorter; 0: there are no chunks.
std::int64_t attention_chunk(const ProgramBuilder& builder);

/// The job's documents, if they are packed as listed and neither whole sequences nor chunks.
std::vector<std::int64_t> listed_documents(const ProgramBuilder& builder);
/// Scores of the busiest data-parallel rank over the mean: 1 unless documents of different lengths are packed.
double score_imbalance(const ProgramBuilder& builder);

/// Appends a collective over the context-parallel group, as part of the attention core.
void exchange_cp(ProgramBuilder& builder, Block& block, const std::string& name, CollectiveKind kind,
                 TensorId from, TensorId to);
/// The name of the operation that collects the keys and values of all cp ranks: "ring WHAT" or
/// "all-gather WHAT".
std::string gather_name(const ProgramBuilder& builder, const std::string& what);

/// Appends the FFN sublayer: norm, up (and gate), activation, down, all-reduce, residual. Input: layer.mid,
/// or hidden in a layer without attention. Output: hidden of the next layer.
void emit_ffn(ProgramBuilder& builder, Block& block, WeightGroup& group);

// The parts of an FFN, which dense FFN, shared experts and routed experts have in common:

/// The fused first product of an FFN: gate and up end to end, or up alone.
struct FfnParts {
  TensorItem up = TensorItem::up;      ///< gate_up or up
  std::string up_name;                 ///< the same in the names of operations
  std::int64_t up_rows = 0;            ///< output columns of the product: rows of its weight
  std::vector<std::int64_t> sections;  ///< of its weight: {gate, up}, or one part
};
FfnParts ffn_parts(const ModelSpec& model, std::int64_t ffn_hidden);
/// True where the activation between experts' products multiplies by the weights of the choice (FrameworkConventions).
bool weighs_activations(const JobSpec& job);

/// Appends act(gate) ∘ up, as one kernel or, as PyTorch runs it without compilation, as two: the activation,
/// then the product with up.
/// @param row_weights  by which the result's rows are multiplied: routes of experts
void emit_ffn_activation(ProgramBuilder& builder, Block& block, Component component, TensorId up,
                         TensorId activated, std::optional<TensorId> row_weights = std::nullopt);
/// What the FFN's sublayer starts from: the row that it reads of several streams; else layer.mid; hidden in a layer without mixer, and where attention and FFN run in
/// parallel.
Operand ffn_input(ProgramBuilder& builder);
/// What the FFN's output is added to: layer.mid, or hidden in a layer without mixer.
Operand ffn_residual(ProgramBuilder& builder);
TensorId emit_ffn_norm(ProgramBuilder& builder, Block& block, WeightGroup& group);
/// Appends down(act(up(x))) with its all-reduce, for the dense FFN or the shared experts.
TensorId emit_mlp(ProgramBuilder& builder, Block& block, WeightGroup& group, ModelPart part,
                  std::int64_t ffn_hidden, TensorId x);
void emit_ffn_residual(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId out);

/// Appends the FFN sublayer of a mixture of experts: norm, router, dispatch over ep, grouped products,
/// combine, shared experts. Router, norms and shared experts belong to `group`, the routed experts to
/// `experts`.
void emit_moe_ffn(ProgramBuilder& builder, Block& block, WeightGroup& group, WeightGroup& experts);

/// The block kind of a layer with this feed-forward network.
BlockKind block_kind(FeedForward ffn);
/// Emits a whole layer of the current kind as the block "NAME forward". The weights of routed experts are
/// added to `experts`, all others to `group`.
Block emit_layer(ProgramBuilder& builder, const std::string& name, WeightGroup& group, WeightGroup& experts);

/// Emits the embedding: token table (vocabulary cut over tp), all-reduce, learned positions, dropout. Input:
/// ids. Output: hidden of layer 0.
Block emit_embedding(ProgramBuilder& builder, WeightGroup& table, WeightGroup& positions);

/// Emits the head: final norm, logits (vocabulary cut over tp), cross-entropy. Input: hidden of layer L, the
/// output of the last layer. Output: the loss. `table` owns the output table if it is tied to the embedding.
Block emit_head(ProgramBuilder& builder, WeightGroup& group, WeightGroup& table);

// A module of multi-token prediction: entry, layers, head. Its blocks are called as if they followed the model's
// last layer: with L layers and m layers per module, module k's entry is called with layer L + k·(m + 1), its
// layers with the m layers after that, and its head with the layer of the next module's entry.

/// Emits the entry of a module: embedding of the next tokens, a norm of these and one of the module's input, and
/// the projection of both to the model's width: (T, 2D) · (2D, D), as the sum of two (D, D) products. Every tp rank
/// has the whole projection and applies it to its own tokens. (Megatron-LM cuts its columns.)
/// Input: hidden. Output: hidden of the next layer.
Block emit_mtp_entry(ProgramBuilder& builder, WeightGroup& group, WeightGroup& table);
/// Emits the head of a module: a final norm of its own, in `norm`; the output projection of the model; the loss.
Block emit_mtp_head(ProgramBuilder& builder, WeightGroup& norm, WeightGroup& head, WeightGroup& table);

}  // namespace foreshard
