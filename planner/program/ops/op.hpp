#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "planner/program/tensors/tensor.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/dtype.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

// ---- The operation kinds. Sizes are those of one rank. FLOPs and bytes are derived from them
// (planner/cost), never
// ---- stored. Operand order is part of each kind's contract; checkers, cost and runtime rely on it.

/// `batch` products C (m,n) = A (m,k) · B (k,n); an operand that is transposed is stored as (k,m) or (n,k).
/// Operands: A, B, C, then the bias (n) if there is one; of a weight gradient, a placeholder (written, but
/// by nobody: it is there because autograd asks for a gradient). With weights W (out,in), X (T,in), Y
/// (T,out):
///   forward          A = X,   B = Wᵀ,  C = Y     (m,n,k) = (T, out, in)
///   backward-input   A = dY,  B = W,   C = dX    (m,n,k) = (T, in, out)
///   backward-weight  A = dYᵀ, B = X,   C = dW    (m,n,k) = (out, in, T)
/// Where C is a partial sum over tensor-parallel ranks, the first of them alone adds the bias.
/// FLOPs 2·batch·m·n·k.
struct Gemm {
  std::int64_t batch = 1;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  DType math = DType::bf16;  ///< arithmetic of the inputs; accumulation is fp32 (fp64 for fp64)
  bool transpose_a = false;
  bool transpose_b = false;
};

/// `experts` products that share n and k; `tokens` rows in all on this rank. Operands as Gemm.
struct GroupedGemm {
  std::int64_t experts = 1;
  std::int64_t tokens = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  DType math = DType::bf16;
};

/// How the columns of keys and values stand in their tensor: first all keys and then all values, as the fused
/// qkv has them; or head after head, each with its key and then its value, as latent attention makes them.
enum class KeyLayout : std::uint8_t { by_part, by_head };

/// Scaled-dot-product attention without an s × s matrix in memory.
/// Operands forward: inputs (qkv; or q and kv apart; further keys; sinks, a weight), o, lse. Backward:
/// inputs, o, lse, do, the inputs' gradients. FLOPs forward 2·batch·heads·query·key·(head_dim + v_head_dim),
/// full square; a causal mask halves what is executed. Source: Dao et al. 2022, arXiv:2205.14135; backward
/// runs five products of that size for forward's two.
struct Attention {
  std::int64_t batch = 1;  ///< sequences
  std::int64_t query = 0;  ///< positions on this rank
  std::int64_t key = 0;    ///< under a causal window, twice what a query sees on average
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t v_head_dim = 0;
  bool causal = true;
  DType math = DType::bf16;
  /// Positions that a query sees, itself included; 0: all.
  std::int64_t window = 0;
  /// Of head_dim, the last columns, whose keys all heads share: those of latent attention that carry
  /// positions.
  std::int64_t shared_dim = 0;
  KeyLayout key_layout = KeyLayout::by_part;
};

enum class PointwiseKind : std::uint8_t {
  add,          ///< y = a + b: a residual connection. Operands: a, b, y
  dropout,      ///< y = mask ∘ x / (1 − p). Operands: x, y, mask. Backward: dy, mask, dx
  dropout_add,  ///< y = a + dropout(x). Operands: a, x, y, mask. Backward (of x): dy, mask, dx
  softmax,      ///< rows of scores, scaled and masked. Operands: x, y. Backward: y, dy, dx
  gelu,         ///< Operands: x, y. Backward: x, dy, dx. Likewise relu, sqrelu, silu, sigmoid
  relu,
  sqrelu,
  silu,
  sigmoid,
  swiglu,  ///< y = silu(gate) ∘ up. Operands: gate_up, y. Backward: gate_up, dy, d(gate_up). Likewise geglu,
           ///< glu
  geglu,
  glu,
  multiply,       ///< y = a ∘ b. Operands: a, b, y. Backward: a, b, dy, da, db
  bias_gradient,  ///< db = Σ over tokens of dy. Operands: dy, db
  zero,           ///< x = 0. Operands: x…
  sum_squares,    ///< s += Σ x². Operands: x…, s
  cast,           ///< y = x in y's type. Operands: x, y
  accumulate,     ///< y += x. Operands: x, y
  relayout,       ///< x copied, cast or scaled where it stands: one pass. Operands: x…
};

/// One pass over memory. Its bytes follow from the operands; its arithmetic is not counted as FLOPs.
struct Pointwise {
  PointwiseKind kind = PointwiseKind::add;
  /// Of the largest operand; where an activation works on the gate alone, or a product on up alone, of that
  /// half.
  std::int64_t elements = 0;
};

/// Operands forward: x, weight, [bias,] y, stats (fp32, one per row for rmsnorm, two for layernorm).
/// Backward: x, weight, stats, dy, [gradient of the residual that passes by,] dx (written; the sum with that
/// residual gradient), [dweight [, dbias]] (accumulated; none of frozen weights).
struct Norm {
  NormKind kind = NormKind::rmsnorm;
  std::int64_t rows = 0;
  std::int64_t width = 0;
  /// Of a norm of the heads of a fused qkv: heads of one token, queries and then keys, each a row of its own;
  /// the values behind them pass as they are. 0: a norm of whole rows.
  std::int64_t heads = 0;
  /// Of these, the queries: they take the first `width` weights, the keys the next.
  std::int64_t query_heads = 0;
};

/// Rotary position embedding of the q and k columns, in place. Operands: qkv (updated). Source: Su et al.
/// 2021, arXiv:2104.09864.
struct Rope {
  std::int64_t tokens = 0;
  std::int64_t heads = 0;     ///< q and k heads rotated
  std::int64_t head_dim = 0;  ///< columns of a head that turn
  /// Columns from one head's to the next, of which the last head_dim turn; 0: head_dim itself.
  std::int64_t head_stride = 0;
};

/// Rows of a table. Operands forward: token ids, table, y; backward: token ids, dy, dtable.
struct Embedding {
  std::int64_t tokens = 0;
  std::int64_t width = 0;
};

/// Vocabulary-parallel cross-entropy on one rank's columns, split where its all-reduces fall:
///   row_max     logits → max (T)                              then all-reduce max
///   exp_sum     logits, ids, max → [sum, target logit] (T,2)  then all-reduce sum
///   loss        [sum, target] → loss;  backward: logits, ids, max, [sum, target] → dlogits
enum class CrossEntropyPart : std::uint8_t { row_max, exp_sum, loss };
struct CrossEntropy {
  CrossEntropyPart part = CrossEntropyPart::loss;
  std::int64_t tokens = 0;
  std::int64_t vocab = 0;  ///< columns on this rank
  /// Tokens that the model knows; columns of the whole vocabulary from there on are padding. 0: there is
  /// none.
  std::int64_t known_vocab = 0;
};

/// Top-k expert choice per token. Operands: logits, [score bias,] routes (T, 2k: experts and weights).
/// Backward: routes, droutes, dlogits.
struct Route {
  std::int64_t tokens = 0;
  std::int64_t experts = 0;
  std::int64_t per_token = 0;
  /// The busiest rank's rows over the mean, for which the program makes room.
  double imbalance = 1.0;
};

/// Copies token rows into the order of their experts, or back, weighted and summed.
/// Operands: x, routes, y. Backward of a copy: dy, routes, dx. Backward of a weighted sum: x, routes, dy, dx,
/// droutes.
struct Permute {
  std::int64_t rows = 0;
  std::int64_t width = 0;
  bool weighted = false;
};

enum class CollectiveKind : std::uint8_t { all_reduce, all_gather, reduce_scatter, all_to_all };
enum class Reduction : std::uint8_t { sum, max };

/// Operands, several as one call: in place (accumulate) for an all-reduce, and for the reduce-scatter and
/// all-gather of ZeRO-1, where a rank's share is a range of the whole; else what is sent (read) and what
/// arrives (written; accumulated where gradients add up). Identity: (group, position in the group's order).
struct Collective {
  CollectiveKind kind = CollectiveKind::all_reduce;
  GroupKind group = GroupKind::tp;
  Reduction reduction = Reduction::sum;
  /// The full buffer on which nccl-tests' formulas work: what is reduced, or what stands on a rank after the
  /// gather or before the scatter.
  Bytes payload{};
};

/// Which neighbour a pipeline transfer meets.
enum class Peer : std::uint8_t { previous_stage, next_stage };
/// Operands: x.
struct Send {
  Peer peer = Peer::next_stage;
  Bytes payload{};
};
struct Recv {
  Peer peer = Peer::previous_stage;
  Bytes payload{};
};

/// One optimizer step over this rank's share of a block's weights. Operands: gradient…, (master, m, v)…
/// updated, weight… written.
struct OptimizerUpdate {
  OptimizerKind kind = OptimizerKind::adamw;
  std::int64_t parameters = 0;
};

using OpKind = std::variant<Gemm, GroupedGemm, Attention, Pointwise, Norm, Rope, Embedding, CrossEntropy,
                            Route, Permute, Collective, Send, Recv, OptimizerUpdate>;

// ---- What every operation carries.

enum class Access : std::uint8_t {
  read,
  write,       ///< the old content is lost
  accumulate,  ///< read and written: +=, or changed in place
};

/// One tensor that an operation touches. The instance is that of layer (block's layer + layer_shift): a layer
/// reads "hidden" of its own number and writes that of the next.
struct Operand {
  TensorId tensor;
  Access access = Access::read;
  std::int16_t layer_shift = 0;
  friend constexpr bool operator==(const Operand&, const Operand&) = default;
};

/// The part of the model an operation belongs to.
enum class Component : std::uint8_t {
  embedding,
  norm,
  attention,       ///< projections and their communication
  attention_core,  ///< scores, softmax, values
  ffn,
  residual,
  router,
  experts,
  head,
  loss,
  pipeline,
  gradient_sync,
  optimizer,
};
inline constexpr std::size_t kComponentCount = 13;

/// Why an operation runs. forward and recompute execute an operation's forward form, the backward phases its
/// gradient.
enum class Phase : std::uint8_t { forward, recompute, backward_input, backward_weight, optimizer };
inline constexpr std::size_t kPhaseCount = 5;
constexpr bool is_backward(Phase phase) {
  return phase == Phase::backward_input || phase == Phase::backward_weight;
}

/// One operation of a block.
struct Op {
  OpKind kind;
  std::vector<Operand> operands;
  std::string name;  ///< "qkv", "up", "all-reduce out"
  Component component = Component::ffn;
  Phase phase = Phase::forward;
  Lane lane = Lane::compute;
  /// Edges of a job without overlap. Of a communication: it starts after all compute before it in program
  /// order …
  bool after_compute = false;
  /// … and the next compute in program order waits for its end.
  bool blocks_compute = false;
  /// Of a communication that is cut into pieces and run beside the product it feeds (or that feeds it).
  bool pipelined = false;
  /// Of a ZeRO-3 gather: it is issued this many blocks early, at that block's start, so that it runs beside
  /// that block's compute; this many more buffers are alive.
  std::int8_t prefetch_blocks = 0;
};

/// The kinds that meet other ranks.
using Communication = std::variant<Collective, Send, Recv>;
/// The operation as one of them; none of what a rank computes alone.
std::optional<Communication> communication_of(const Op& op);
bool is_communication(const Op& op);
/// True of matrix products: Gemm and GroupedGemm.
bool is_product(const Op& op);

std::string_view to_string(Component component);
std::string_view to_string(Phase phase);
std::string_view to_string(CollectiveKind kind);
std::string_view to_string(PointwiseKind kind);
std::string_view to_string(Access access);
/// "gemm", "attention", "norm", … ; Pointwise and Collective give their own kind: "swiglu", "all-reduce".
std::string_view kind_name(const OpKind& kind);

}  // namespace foreshard
