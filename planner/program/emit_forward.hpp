#pragma once

#include "planner/program/program_builder.hpp"

// Forward blocks as one rank runs them under plain tensor parallelism; sequence parallelism, recomputation
// and ZeRO are passes over what stands here, and the backward blocks are derived from it.

namespace foreshard {

/// The stream of activations between layers: instance l is the input of layer l. (T, D)
TensorId hidden_stream(ProgramBuilder& builder);
/// Its gradient.
TensorId hidden_gradient(ProgramBuilder& builder);

/// y = norm(x); weight (and bias, for layernorm) belong to `group`. Returns y.
TensorId emit_norm(ProgramBuilder& builder, Block& block, WeightGroup& group, const std::string& name,
                   const std::string& prefix, Operand x, TensorId y);

/// y = a + x, or a + dropout(x) where the job runs dropout.
void emit_residual(ProgramBuilder& builder, Block& block, const std::string& name, const std::string& prefix,
                   Operand a, Operand x, Operand y);

/// Attention sublayer: norm, qkv, (qk norm,) rope, core, output projection, all-reduce, residual: hidden →
/// layer.mid.
void emit_attention(ProgramBuilder& builder, Block& block, WeightGroup& group);
/// The attention core on layer.qkv → layer.attention.out. Flash, or scores, softmax, (dropout,) values.
void emit_attention_core(ProgramBuilder& builder, Block& block, TensorId qkv, TensorId out);

/// FFN sublayer: norm, up (and gate), activation, down, all-reduce, residual: layer.mid → hidden of the next
/// layer.
void emit_ffn(ProgramBuilder& builder, Block& block, WeightGroup& group);

/// A whole dense transformer layer.
Block emit_dense_layer(ProgramBuilder& builder, WeightGroup& group);

/// Token table (vocabulary cut over tp), all-reduce, learned positions, dropout: ids → hidden 0.
Block emit_embedding(ProgramBuilder& builder, WeightGroup& table, WeightGroup& positions);

/// Final norm, logits (vocabulary cut over tp), cross-entropy: hidden L → loss. `table` owns the tied
/// weights.
Block emit_head(ProgramBuilder& builder, WeightGroup& group, WeightGroup& table);

}  // namespace foreshard
