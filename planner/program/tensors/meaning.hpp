#pragma once

#include <cstddef>
#include <cstdint>

namespace foreshard {

/// The part of the model, or of its training, to which a tensor belongs.
enum class ModelPart : std::uint8_t {
  none,            ///< unsaid: only in programs that are built by hand
  input,           ///< token numbers
  stream,          ///< the activations that go from layer to layer
  embedding,       ///< the token table, learned positions, and what they are added up to
  attention,       ///< projections and core
  mla,             ///< the low-rank projections of multi-head latent attention
  ffn,             ///< the dense FFN
  router,          ///< of a mixture of experts
  experts,         ///< the routed experts, and rows on their way to them and back
  shared_experts,  ///< the experts that every token passes through
  norm,            ///< every norm, those of queries, keys and latents included
  residual,        ///< residual connections and the dropout before them
  head,            ///< the output projection
  loss,            ///< cross-entropy
  pipeline,        ///< what travels between stages
  optimizer,
};
inline constexpr std::size_t kModelPartCount = 16;

/// What the tensor belongs to within its part: a projection, a norm, a table, a step of the computation.
enum class TensorItem : std::uint8_t {
  none,
  hidden,  ///< the stream itself
  ids,
  labels,
  token_table,
  position_table,
  embedding_sum,  ///< token embeddings plus positions
  qkv,            ///< the fused projection of queries, keys and values
  qkv_normed,
  kv,    ///< keys and values
  core,  ///< scores, softmax and values
  scores,
  probabilities,
  dropped_probabilities,
  sinks,
  out,     ///< attention's output projection; of experts, their outputs on this rank's tokens
  q_down,  ///< of latent attention, as docs/shapes.md has them; likewise q_up, kv_down, kv_up, k_rope
  q_up,
  kv_down,
  kv_up,
  k_rope,
  attention_norm,
  attention_post_norm,
  ffn_norm,
  ffn_post_norm,
  qk_norm,
  q_norm,
  kv_norm,
  final_norm,
  attention_dropout,
  ffn_dropout,
  mid,       ///< the stream between attention and FFN
  gate_up,   ///< the fused first product of a gated FFN
  up,        ///< that of an FFN without gate
  gate_act,  ///< act(gate), where it is a tensor of its own
  act,       ///< what the second product reads
  down,      ///< the second product
  ffn_sum,   ///< routed plus shared experts
  router,
  router_logits,
  routes,    ///< chosen experts and their weights
  sent,      ///< rows of a rank's own tokens, in the order of their experts
  arrived,   ///< rows that came from the expert-parallel group
  in,        ///< rows that came from the tensor-parallel group
  returned,  ///< rows that came back from their experts
  combined,
  output_table,
  logits,
  wide_logits,  ///< in fp32, where the loss asks for it
  row_max,
  exp_sums,
  loss,
  states,         ///< what the optimizer keeps of weights
  gradient_norm,  ///< of all gradients
  placeholder,    ///< memory of a gradient that nobody reads
};
inline constexpr std::size_t kTensorItemCount = 55;

/// Which of an item's tensors this is.
enum class TensorAspect : std::uint8_t {
  value,         ///< the activation itself
  output,        ///< what a norm, a lookup, a dropout or an attention core makes
  weight,        ///< a matrix, a table, the gains of a norm
  bias,          ///< added
  score_bias,    ///< of a router's choice; not trained by gradients
  adapter_a,     ///< low-rank adapter: (rank, in)
  adapter_b,     ///< low-rank adapter: (out, rank)
  adapter_rows,  ///< what adapter_a makes of the product's input
  statistics,    ///< of a norm's rows
  log_sum_exp,   ///< of attention's rows
  mask,          ///< of a dropout
  own_heads,     ///< all tokens with a rank's share of the heads (Ulysses)
  all_ranks,     ///< of every context-parallel rank
};
inline constexpr std::size_t kTensorAspectCount = 13;

/// What a tensor means. Names are for people; whoever has to know what a tensor is asks this.
/// Tensors derived from others (Tensor::derivation) have the meaning of what they are derived from.
struct Meaning {
  ModelPart part = ModelPart::none;
  TensorItem item = TensorItem::none;
  TensorAspect aspect = TensorAspect::value;
  friend constexpr bool operator==(const Meaning&,
                                   const Meaning&) = default;  // nvcc does not derive it from <=>
  friend constexpr auto operator<=>(const Meaning&, const Meaning&) = default;
};

/// True of what every layer has for itself; false of the stream between layers, of tables, head and loss.
constexpr bool is_of_layer(const Meaning& meaning) {
  switch (meaning.part) {
    case ModelPart::attention:
    case ModelPart::mla:
    case ModelPart::ffn:
    case ModelPart::router:
    case ModelPart::experts:
    case ModelPart::shared_experts:
    case ModelPart::residual: return true;
    case ModelPart::norm: return meaning.item != TensorItem::final_norm;
    case ModelPart::none:
    case ModelPart::input:
    case ModelPart::stream:
    case ModelPart::embedding:
    case ModelPart::head:
    case ModelPart::loss:
    case ModelPart::pipeline:
    case ModelPart::optimizer: return false;
  }
  return false;
}

constexpr bool is_adapter(TensorAspect aspect) {
  return aspect == TensorAspect::adapter_a || aspect == TensorAspect::adapter_b;
}

/// How a tensor is derived from others.
enum class Derivation : std::uint8_t {
  none,             ///< it is not
  gradient,         ///< of one tensor
  master,           ///< the optimizer's fp32 copy of weights; of each the rank's share, end to end
  first_moment,     ///< likewise, a running mean of gradients
  second_moment,    ///< likewise, of their squares
  token_shard,      ///< the tokens that sequence parallelism leaves to a tensor-parallel rank
  all_tokens,       ///< gathered from such shards
  gathered_again,   ///< gathered a second time, in backward
  recomputed,       ///< made a second time, in backward
  recomputed_half,  ///< likewise, the half of gate and up that was not kept
  gathered_shares,  ///< the whole of a weight that ZeRO cuts
  whole_gradient,   ///< before ZeRO scatters it into shares
  fresh_gradient,   ///< of one micro-batch, before it is added to the sum
  pipeline_slice,   ///< the tokens that one tensor-parallel rank sends to the next stage
};
inline constexpr std::size_t kDerivationCount = 14;

}  // namespace foreshard
