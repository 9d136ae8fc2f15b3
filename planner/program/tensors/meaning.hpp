#pragma once

#include <cstddef>
#include <cstdint>

namespace foreshard {

/// The part of the model, or of its training, to which a tensor belongs.
enum class ModelPart : std::uint8_t {
  none,            ///< not stated: only in programs that are built by hand
  input,           ///< token numbers
  stream,          ///< the activations that go from layer to layer
  embedding,       ///< the token table, learned positions, and their sum
  attention,       ///< projections and core
  mla,             ///< the low-rank projections of multi-head latent attention
  indexer,         ///< the indexer of sparse attention
  mixer,           ///< linear mixers: Mamba-2, gated delta nets, Kimi delta attention
  ffn,             ///< the dense FFN
  router,          ///< the router of a mixture of experts
  experts,         ///< the routed experts, and the token rows sent to them and back
  shared_experts,  ///< the experts that process every token
  mtp,             ///< the entries of multi-token prediction's modules: embedding rows and projections
  norm,            ///< every norm, including those of queries, keys and latents
  residual,        ///< residual connections and the dropout before them
  hyper,           ///< hyper-connections: the mixing of several residual streams
  head,            ///< the output projection
  loss,            ///< cross-entropy
  pipeline,        ///< what is sent between stages
  optimizer,
};
inline constexpr std::size_t kModelPartCount = 20;

/// The element of its part to which a tensor belongs: a projection, a norm, a table, a step of the
/// computation.
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
  out,     ///< attention's output projection; for experts, their outputs for this rank's tokens
  q_down,  ///< a projection of latent attention, see docs/shapes.md; likewise q_up, kv_down, kv_up, k_rope
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
  mtp_token_norm,        ///< of the next tokens' embeddings, in a module of multi-token prediction
  mtp_hidden_norm,       ///< of the module's input
  mtp_norm,              ///< the final norm of a module
  mtp_token_projection,  ///< the halves of a module's projection: of embeddings, and of its input
  mtp_hidden_projection,
  attention_dropout,
  ffn_dropout,
  mid,       ///< the stream between attention and FFN
  gate_up,   ///< the fused first product of a gated FFN
  up,        ///< the first product of an FFN without gate
  gate_act,  ///< act(gate), where it is a tensor of its own
  act,       ///< the input of the second product
  down,      ///< the second product
  ffn_sum,   ///< routed plus shared experts
  router,
  router_logits,
  routes,    ///< chosen experts and their weights
  sent,      ///< rows of a rank's own tokens, in the order of their experts
  arrived,   ///< rows received from the expert-parallel group
  in,        ///< rows received from the tensor-parallel group
  returned,  ///< rows received back from their experts
  combined,
  output_table,
  logits,
  wide_logits,  ///< in fp32, where the loss asks for it
  row_max,
  exp_sums,
  loss,
  states,                 ///< the optimizer's state of the weights
  gradient_norm,          ///< the norm over all gradients
  placeholder,            ///< memory for a gradient that nothing reads
  log_probabilities,      ///< the result of PyTorch's log_softmax
  label_gradient,         ///< the gradient of PyTorch's nll_loss: of log_probabilities
  wide_gradient,          ///< the gradient of PyTorch's log_softmax, in fp32; or of logits that were gathered
  probabilities_of_loss,  ///< made again in backward, where PyTorch's loss is cut over tp
  whole_logits,           ///< logits of the whole vocabulary, gathered over tp
  iterate,                ///< a matrix while Muon makes it orthogonal
  gram,                   ///< that matrix times its transpose
  gram_square,            ///< the square of that product
  q,                      ///< queries, keys, values, gate as projections of their own: only their adapters
  k,
  v,
  gate,        ///< likewise; and a gate's product
  magnitudes,  ///< largest magnitudes of earlier steps, for delayed scaling
  in_proj,     ///< the fused input product of a linear mixer
  conv,        ///< its causal convolution
  scan,        ///< its scan
  chunks,      ///< matrices of the scan's chunks, kept for backward
  decay,       ///< A_log: the decay of each head
  time_step,   ///< dt_bias
  skip,        ///< D: what of x passes the scan by
  decay_down,  ///< the products of the low-rank decay of Kimi delta attention; likewise decay_up
  decay_up,
  gate_down,  ///< the first product of a low-rank gate
  gated,      ///< the gated output
  scan_norm,  ///< the gated norm after a scan
  index_q,    ///< queries of an indexer; likewise its keys and the weights of its heads
  index_k,
  index_weights,
  index_q_norm,
  index_k_norm,
  choice,       ///< the keys that an indexer chose
  k_up,         ///< the part of kv_up that makes keys, where it is applied to queries instead
  v_up,         ///< the part of kv_up that makes values, where it is applied to the core's output instead
  q_absorbed,   ///< queries against latent keys
  o_absorbed,   ///< the core's output in latent values
  latent_down,  ///< the products before and after latent experts
  latent_up,
  router_norm,
  expert_scale,
  shared_post_norm,  ///< norms of experts' own (Gemma 4)
  routed_norm,
  routed_post_norm,
  q_normed,           ///< queries, each head divided by its root mean square
  o_down,             ///< the products of groups of heads before the output product
  compressed_kv,      ///< what the compressor of keys reads of every token; then the compressed keys
  compressed_gate,    ///< the weights of these in their means
  compressed_norm,    ///< the norm of the compressed keys
  attention_streams,  ///< hyper-connections: weights of the mixing around a mixer; likewise of the others
  ffn_streams,
  head_streams,
  mtp_streams,
  attention_row,  ///< the row that a sublayer reads of the streams; likewise of the others
  ffn_row,
  head_row,
  mtp_row,
  token_row,  ///< a row before it is copied to all streams
};
inline constexpr std::size_t kTensorItemCount = 116;

/// Which of an item's tensors this is.
enum class TensorAspect : std::uint8_t {
  value,           ///< the activation itself
  output,          ///< the output of a norm, a lookup, a dropout or an attention core
  weight,          ///< a matrix, a table, the gains of a norm
  bias,            ///< a vector that is added
  score_bias,      ///< added to a router's scores when it chooses experts; not trained by gradients
  adapter_a,       ///< low-rank adapter: (rank, in)
  adapter_b,       ///< low-rank adapter: (out, rank)
  adapter_rows,    ///< the product's input times adapter_a
  statistics,      ///< one value or two per row of a norm
  log_sum_exp,     ///< one value per row of attention scores
  mask,            ///< the mask of a dropout
  magnitude,       ///< of a decomposed weight (DoRA): one number for each row
  unscaled,        ///< its product, before the magnitudes
  adapter_out,     ///< what its adapters add, before the magnitudes
  scaled,          ///< the first of these times the magnitudes
  adapter_scaled,  ///< the second
  merged,          ///< the product of its two adapters
  row_norms,       ///< norms of the rows of weight and adapters together
  own_heads,       ///< all tokens with a rank's share of the heads (Ulysses)
  all_ranks,       ///< gathered from every context-parallel rank
};
inline constexpr std::size_t kTensorAspectCount = 20;

/// What a tensor means. Code that must know what a tensor is uses this; labels are only for people.
/// A tensor that is derived from another (Tensor::derivation) has the meaning of that other tensor.
struct Meaning {
  ModelPart part = ModelPart::none;
  TensorItem item = TensorItem::none;
  TensorAspect aspect = TensorAspect::value;
  friend constexpr bool operator==(const Meaning&,
                                   const Meaning&) = default;  // nvcc does not derive it from <=>
  friend constexpr auto operator<=>(const Meaning&, const Meaning&) = default;
};

/// True for tensors that each layer has for itself; false for the stream between layers, the tables, the head
/// and the loss.
constexpr bool is_of_layer(const Meaning& meaning) {
  switch (meaning.part) {
    case ModelPart::attention:
    case ModelPart::mla:
    case ModelPart::indexer:
    case ModelPart::mixer:
    case ModelPart::ffn:
    case ModelPart::router:
    case ModelPart::experts:
    case ModelPart::shared_experts:
    case ModelPart::mtp:
    case ModelPart::residual:
    case ModelPart::hyper: return true;
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
  return aspect == TensorAspect::adapter_a || aspect == TensorAspect::adapter_b ||
         aspect == TensorAspect::magnitude;
}

/// How a tensor is derived from others.
enum class Derivation : std::uint8_t {
  none,              ///< it is not derived
  gradient,          ///< the gradient of one tensor
  master,            ///< the optimizer's fp32 copy of weights: this rank's share of each, end to end
  first_moment,      ///< laid out as master: the running mean of gradients
  second_moment,     ///< laid out as master: the running mean of squared gradients
  token_shard,       ///< the share of the tokens that a tp rank holds under sequence parallelism
  all_tokens,        ///< all tokens, gathered from such shards
  gathered_again,    ///< gathered a second time, in backward
  recomputed,        ///< computed a second time, in backward
  recomputed_half,   ///< likewise, the half of gate and up that was not kept
  gathered_shares,   ///< a whole weight, gathered from the shares into which ZeRO cuts it
  whole_gradient,    ///< a whole gradient, before ZeRO scatters it into shares
  scattered_share,   ///< the share of one such scatter, before ranks with copies of it add theirs
  fresh_gradient,    ///< the gradient of one micro-batch, before it is added to the sum
  pipeline_slice,    ///< the tokens that one tensor-parallel rank sends to the next stage
  first_scale,       ///< the scales of an 8-bit first moment, one per block of elements
  second_scale,      ///< the same of the second moment
  factored_moment,   ///< the means of the rows and of the columns of squared gradients
  update,            ///< this rank's share of what Muon adds to a weight
  whole_update,      ///< the whole of it, on the rank that makes it orthogonal
  next_update,       ///< the next iterate, while the last one is still read
  dequantised,       ///< a frozen weight in 16 bits, made from its quantised form before each use
  quantised,         ///< a copy in 8 or 4 bits, scaled along the rows; for products that sum over the columns
  quantised_across,  ///< the same for products that sum over the rows: scaled along the columns, or transposed
  largest,           ///< the largest magnitude of a tensor, from which its scale is made
  on_host,           ///< the copy of a tensor in the host's memory
  arrived_on_host,   ///< the gradient of one micro-batch in the host's memory, before it is added to the sum
  fetched,           ///< the copy that came back from the host
  sent,              ///< the copy in 8 bits that travels to experts
  secondary_share,   ///< ZeRO++'s second copy of a weight: this rank's share among the ranks of a node
  sent_share,        ///< ZeRO++: a share in 8 bits; for a gradient a whole one in 4 bits
  arrived_shares,    ///< a whole weight in 8 bits; for a gradient the part of a node, in 4 bits
  arrived_part,      ///< a rank's own share of a gradient in 4 bits
};
inline constexpr std::size_t kDerivationCount = 33;

}  // namespace foreshard
