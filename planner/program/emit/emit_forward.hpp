#pragma once

#include "planner/program/program_builder.hpp"

// Forward blocks as one rank runs them under plain tensor parallelism; sequence parallelism, recomputation
// and ZeRO are passes over what stands here, and the backward blocks are derived from it.

namespace foreshard {

/// The stream of activations between layers: instance l is the input of layer l. (T, D)
TensorId hidden_stream(ProgramBuilder& builder);
/// Its gradient.
TensorId hidden_gradient(ProgramBuilder& builder);

/// The stream between attention and FFN. (T, D)
inline constexpr Meaning kMidStream{ModelPart::residual, TensorItem::mid};

/// y = norm(x), (T, D); y is the item's output, its weight (and bias, for layernorm) belong to `group`.
/// Returns y.
TensorId emit_norm(ProgramBuilder& builder, Block& block, WeightGroup& group, const std::string& name,
                   TensorItem item, Operand x);

/// y = a + x, or a + dropout(x) where the job runs dropout; the mask is that of `dropout`.
void emit_residual(ProgramBuilder& builder, Block& block, const std::string& name, TensorItem dropout,
                   Operand a, Operand x, Operand y);

/// Attention sublayer of the kind at hand: norm, qkv, (qk norm,) rope, core, output projection, all-reduce,
/// residual: hidden → layer.mid, or, where no FFN follows, → hidden of the next layer.
void emit_attention(ProgramBuilder& builder, Block& block, WeightGroup& group);
/// The attention core on layer.qkv → layer.attention.out. Flash, or scores, softmax, (dropout,) values.
void emit_attention_core(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId qkv,
                         TensorId out);

/// Positions that a query of the kind at hand sees: its window where it is shorter than the sequence, else 0 for all.
std::int64_t attention_window(const ProgramBuilder& builder);

/// Keys per query in the full matrix, for the kind of layer at hand. Under a causal window of w the pairs are Σ min(i + 1, w) ≈ s·w − w²/2,
/// and a causal mask is counted as half, so the matrix that stands for them has 2·w − w²/s columns: s where w
/// = s.
std::int64_t visible_keys(const ProgramBuilder& builder);

/// A collective over the context-parallel group, part of the attention core.
void exchange_cp(ProgramBuilder& builder, Block& block, const std::string& name, CollectiveKind kind,
                 TensorId from, TensorId to);
/// "ring WHAT" or "all-gather WHAT": what brings every rank's keys and values together.
std::string gather_name(const ProgramBuilder& builder, const std::string& what);

/// FFN sublayer: norm, up (and gate), activation, down, all-reduce, residual: layer.mid (hidden in a layer
/// without attention) → hidden of the next layer.
void emit_ffn(ProgramBuilder& builder, Block& block, WeightGroup& group);

// Its parts, which dense FFN, shared experts and routed experts have in common:

/// The fused first product of an FFN: gate and up end to end, or up alone.
struct FfnParts {
  TensorItem up = TensorItem::up;      ///< gate_up or up
  std::string up_name;                 ///< likewise, in the names of operations
  std::int64_t up_rows = 0;            ///< its output columns
  std::vector<std::int64_t> sections;  ///< of its weight
};
FfnParts ffn_parts(const ModelSpec& model, std::int64_t ffn_hidden);
/// act(gate) ∘ up as one kernel, or as PyTorch runs it uncompiled: the activation, then the product.
void emit_ffn_activation(ProgramBuilder& builder, Block& block, Component component, TensorId up,
                         TensorId activated);
TensorId emit_ffn_norm(ProgramBuilder& builder, Block& block, WeightGroup& group);
/// down(act(up(x))), all-reduced, of the dense FFN or the shared experts.
TensorId emit_mlp(ProgramBuilder& builder, Block& block, WeightGroup& group, ModelPart part,
                  std::int64_t ffn_hidden, TensorId x);
void emit_ffn_residual(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId out);

/// FFN sublayer of a mixture of experts: norm, router, dispatch over ep, grouped products, combine, shared
/// experts. Router, norms and shared experts belong to `group`, the routed experts to `experts`.
void emit_moe_ffn(ProgramBuilder& builder, Block& block, WeightGroup& group, WeightGroup& experts);

/// Multi-head latent attention's q and kv from layer.attn_norm.out, rotated, and their attention → `out`.
void emit_latent_attention(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x,
                           TensorId out);

/// What a layer with this feed-forward network is to those who read blocks.
BlockKind block_kind(FeedForward ffn);
/// A whole layer of the kind at hand: "NAME forward". Routed experts belong to `experts`, all else to `group`.
Block emit_layer(ProgramBuilder& builder, const std::string& name, WeightGroup& group, WeightGroup& experts);

/// Token table (vocabulary cut over tp), all-reduce, learned positions, dropout: ids → hidden 0.
Block emit_embedding(ProgramBuilder& builder, WeightGroup& table, WeightGroup& positions);

/// Final norm, logits (vocabulary cut over tp), cross-entropy: hidden L → loss. `table` owns the tied
/// weights.
Block emit_head(ProgramBuilder& builder, WeightGroup& group, WeightGroup& table);

}  // namespace foreshard
