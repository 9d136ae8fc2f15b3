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
#include "planner/topology/token_copies.hpp"
#include "planner/units/dtype.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

// ---- The operation kinds. Sizes are those of one rank. FLOPs and bytes are never stored; they are derived
// ---- from the sizes (op_flops.hpp, planner/cost). The order of operands is part of each kind's contract:
// ---- the checker, the cost model and the runtime rely on it.

/// `batch` matrix products C (m,n) = A (m,k) · B (k,n); a transposed operand is stored as (k,m) or (n,k).
/// Operands: A, B, C, then the bias (n) if there is one. The product of a weight gradient may have a
/// placeholder there instead: a tensor that is allocated because autograd asks for a gradient, but that no
/// kernel fills. With weights W (out,in), X (T,in), Y (T,out):
///   forward          A = X,   B = Wᵀ,  C = Y     (m,n,k) = (T, out, in)
///   backward-input   A = dY,  B = W,   C = dX    (m,n,k) = (T, in, out)
///   backward-weight  A = dYᵀ, B = X,   C = dW    (m,n,k) = (out, in, T)
/// Where C is a partial sum over tensor-parallel ranks, only the first of these ranks adds the bias.
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

/// One product per expert, all with the same n and k; `tokens` is the number of rows of all experts together
/// on this rank. Operands as Gemm.
struct GroupedGemm {
  std::int64_t experts = 1;
  std::int64_t tokens = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  DType math = DType::bf16;
};

/// How the columns of keys and values are ordered in their tensor. by_part: all keys, then all values, as in
/// the fused qkv. by_head: for each head its key and then its value, as latent attention produces them.
/// latent: the values are the first v_head_dim elements of the keys, which all heads share.
enum class KeyLayout : std::uint8_t { by_part, by_head, latent };

/// Scaled-dot-product attention (flash attention) that keeps no s × s matrix in memory.
/// Operands forward: the inputs, o, lse. The inputs are qkv, or q and kv as two tensors; then further keys,
/// if any; then the sinks (a weight), if any. Operands backward: the inputs, o, lse, do, the inputs'
/// gradients. FLOPs forward 2·batch·heads·query·key·(head_dim + v_head_dim), counting the full square; with a
/// causal mask half of them are executed. Backward runs five products of that size, forward two.
/// Source: Dao et al. 2022, arXiv:2205.14135.
struct Attention {
  std::int64_t batch = 1;  ///< sequences
  std::int64_t query = 0;  ///< positions on this rank
  std::int64_t key = 0;    ///< keys per query; under a causal window, twice what a query sees on average
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t v_head_dim = 0;
  bool causal = true;
  DType math = DType::bf16;
  /// Positions that a query sees, itself included; 0: all.
  std::int64_t window = 0;
  /// Tokens of a chunk, if queries see only keys of their own chunk; 0: there are no chunks.
  std::int64_t chunk = 0;
  /// Lengths of packed documents that follow one another from the start of every sequence on, again and again, if
  /// queries see only keys of their own; empty: there are none, or they are chunks, or their lengths are drawn.
  std::vector<std::int64_t> documents{};
  /// Keys that an indexer has chosen for each query; 0: queries see all keys that mask and window leave. The
  /// keys of a query are gathered from memory. The last input is then the choice (T, selected) of IndexScores.
  std::int64_t selected = 0;
  /// The number of columns at the end of head_dim whose keys are shared by all heads: the rotary columns of
  /// latent attention. 0: none.
  std::int64_t shared_dim = 0;
  KeyLayout key_layout = KeyLayout::by_part;
  /// Scores of the busiest data-parallel rank divided by the mean over ranks, where documents differ. Times
  /// are those of the busiest rank; FLOPs are those of the mean.
  double imbalance = 1.0;
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
  swiglu,  ///< y = silu(gate) ∘ up. Operands: gate_up, y. Backward: gate_up, dy, d(gate_up).
           ///< Likewise geglu, glu. Where the kernel quantises, the copies stand in the place of its result
  geglu,
  glu,
  multiply,       ///< y = a ∘ b. Operands: a, b, y. Backward: a, b, dy, da, db
  bias_gradient,  ///< db = Σ over tokens of dy. Operands: dy, db
  zero,           ///< x = 0. Operands: x…
  sum_squares,    ///< s += Σ x². Operands: x…, s
  cast,           ///< y = x in y's type. Operands: x, y
  accumulate,     ///< y += x. Operands: x, y
  normalise,      ///< y = x/√s, where s is a sum of squares. Operands: x, s, y
  relayout,       ///< copies, casts or scales x in place, in one pass. Operands: x…
  quantise,   ///< copies of x in 8 or 4 bits, one or two. Operands: x, [its largest magnitude,] the copies
  amax,       ///< the largest magnitude of x. Operands: x, one fp32 number
  transpose,  ///< a transposed copy. Operands: x, y
  unit_rows,  ///< y = x divided by its root mean square, row by row or head by head. Operands: x, y, statistics.
              ///< Backward: x, statistics, dy, dx
  pool,  ///< one row for each group of rows, y = Σ softmax(gate + bias) ∘ x over the group, or over it and half of
  ///< the columns of the group before. Operands: x, gate, bias, y. Backward: x, gate, bias, dy, dx, dgate
  ///< [, dbias]
  repeat,  ///< copies of each row side by side. Operands: x, y. Backward: dy, dx
  // Of hyper-connections, with n streams x (T, n·D):
  mixing_weights,  ///< sigmoids and matrices whose rows and columns sum to one. Operands: logits, bias, weights.
                   ///< Backward: logits, bias, dweights, dlogits [, dbias]
  read_streams,  ///< y (T, D), a weighted sum of the streams. Operands: weights, x, y. Backward: weights, x, dy,
                 ///< dweights, dx
  write_streams,  ///< y (T, n·D): the streams mixed, and f (T, D) added to each with a weight. Operands: weights, x,
                  ///< f, y. Backward: weights, x, f, dy, dweights, dx, df
};

/// One pass over memory. Its bytes follow from the operands; its arithmetic is not counted as FLOPs.
struct Pointwise {
  PointwiseKind kind = PointwiseKind::add;
  /// Elements of the largest operand. An activation of the gate alone, or a product with up alone, counts
  /// only that half of the fused gate and up.
  std::int64_t elements = 0;
};

/// RMSNorm or LayerNorm.
/// Operands forward: x, weight, [bias,] y, stats (fp32, one per row for rmsnorm; two for layernorm and for norms of all
/// queries and of all keys). Where the kernel quantises, the one or two copies stand in the place of y.
/// Backward: x, weight, stats, dy, [gradient of x from the residual connection,] dx (written: the norm's own
/// gradient plus that of the residual), [dweight [, dbias]] (accumulated; absent for frozen weights).
struct Norm {
  NormKind kind = NormKind::rmsnorm;
  std::int64_t rows = 0;
  std::int64_t width = 0;
  /// For a norm of each head in a fused qkv: the query and key heads of one token. Each head is a row of its
  /// own; the value columns after them stay unchanged. 0: a norm of whole rows.
  std::int64_t heads = 0;
  /// How many of `heads` are queries. Queries use the first `width` weights, keys the next `width`.
  std::int64_t query_heads = 0;
};

/// Rotary position embedding of the q and k columns, in place. Operands: qkv (updated). Source: Su et al.
/// 2021, arXiv:2104.09864.
struct Rope {
  std::int64_t tokens = 0;
  std::int64_t heads = 0;     ///< q and k heads rotated
  std::int64_t head_dim = 0;  ///< columns of a head that are rotated
  /// Columns from one head to the next; the last head_dim of them are rotated. 0: head_dim itself.
  std::int64_t head_stride = 0;
};

/// Looks up rows of a table, one per token.
/// Operands forward: token ids, table, y; backward: token ids, dy, dtable.
struct Embedding {
  std::int64_t tokens = 0;
  std::int64_t width = 0;
};

/// Vocabulary-parallel cross-entropy on one rank's columns, split where its all-reduces fall:
///   row_max     logits → max (T)                              then all-reduce max
///   exp_sum     logits, ids, max → [sum, target logit] (T,2)  then all-reduce sum
///   loss        [sum, target] → loss;  backward: logits, ids, max, [sum, target] → dlogits
/// Where a framework keeps further tensors of the logits' size, exp_sum also writes log probabilities, which
/// backward reads in the place of logits, and backward fills a workspace behind dlogits.
enum class CrossEntropyPart : std::uint8_t { row_max, exp_sum, loss };
struct CrossEntropy {
  CrossEntropyPart part = CrossEntropyPart::loss;
  std::int64_t tokens = 0;
  std::int64_t vocab = 0;  ///< columns on this rank
  /// Vocabulary size without padding: the remaining columns of the whole vocabulary are padding. 0: there is
  /// no padding.
  std::int64_t known_vocab = 0;
};

/// Depthwise causal convolution along the sequence, then silu. Each of `channels` has its own `kernel` weights.
/// Operands forward: x, weight, [bias,] y. x may be wider: the convolution reads `channels` of its columns.
/// Backward: x, weight, [bias,] dy, dx, [dweight [, dbias]].
struct CausalConv {
  std::int64_t tokens = 0;
  std::int64_t channels = 0;
  std::int64_t kernel = 0;
  /// Backward runs the convolution again instead of keeping its output, as mamba_ssm's fused kernels do.
  bool runs_again = false;
};

/// What a linear scan computes: ssd, the state-space dual form of Mamba-2 (arXiv:2405.21060); gated_delta, the
/// gated delta rule (arXiv:2412.06464); kimi_delta, a delta rule whose decay has an element for each key channel
/// (arXiv:2510.26692).
enum class ScanForm : std::uint8_t { ssd, gated_delta, kimi_delta };

/// The scan of a linear mixer over the sequence, chunk by chunk: products inside a chunk, and a state of
/// key_dim × value_dim for each head that goes from chunk to chunk.
/// Operands forward: inputs (x, B and C of ssd, q, k and v of the delta rules; then the tensors that hold the
/// step sizes, decays and betas), weights (A_log, dt_bias, D), y, [the chunks' matrices, kept for backward].
/// Backward: inputs, weights, [the chunks' matrices,] dy, the inputs' gradients, the weights' gradients.
/// FLOPs: docs/formulas.md.
struct LinearScan {
  ScanForm form = ScanForm::ssd;
  std::int64_t batch = 1;
  std::int64_t positions = 0;  ///< of one sequence
  std::int64_t heads = 0;      ///< heads of values
  std::int64_t key_heads = 0;  ///< heads of keys: groups of heads that share B and C (ssd), or q and k
  std::int64_t key_dim = 0;    ///< elements of a key head: state_dim of ssd
  std::int64_t value_dim = 0;  ///< elements of a value head
  std::int64_t chunk = 0;
  DType math = DType::bf16;
};

/// RMSNorm of heads or groups with a gate, norm(x) ∘ act(gate) or norm(x ∘ act(gate)); without if an operation before
/// applied it. Forward: x, [gate,] weight, y, stats. `gate` may be wider: as many of its columns as x has are read.
/// Backward: x, [gate,] weight, stats, dy, dx, [dgate,] [dweight].
struct GatedNorm {
  std::int64_t rows = 0;
  std::int64_t width = 0;
};

/// y = act(gate) ∘ x in one pass. gate has as many columns as x, one for each head or row, or more, of which some are read.
/// Operands forward: gate, x, y. Backward: gate, x, dy, dgate, dx.
struct Gate {
  std::int64_t elements = 0;  ///< of x
};

/// The indexer of sparse attention: scores of all earlier keys and the choice of the best of them. The scores go
/// through memory, a range of queries at a time; they are not kept.
/// Operands forward: q, k, [weights of the heads,] choice (T, selected).
/// Backward: q, k, [weights,] choice, dq, dk, [dweights]. The indexer is trained by a loss of its own, the
/// divergence of its scores from the attention's over the chosen keys (DeepSeek-V3.2, arXiv:2512.02556).
struct IndexScores {
  std::int64_t batch = 1;
  std::int64_t query = 0;  ///< positions on this rank
  std::int64_t key = 0;    ///< keys per query
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t selected = 0;
  bool causal = true;
  /// Heads and their width of the attention whose scores the indexer learns: its loss computes them again.
  std::int64_t target_heads = 0;
  std::int64_t target_dim = 0;
  DType math = DType::bf16;
};

/// Top-k expert choice per token. Operands: logits, [score bias,] [scale of each expert,] routes (T, 2k: experts
/// and weights). Backward: routes, droutes, dlogits, [dscale].
struct Route {
  std::int64_t tokens = 0;
  std::int64_t experts = 0;
  std::int64_t per_token = 0;
  /// Rows on the busiest rank divided by the mean over ranks. Buffers are sized for the busiest rank.
  double imbalance = 1.0;
};

/// Copies token rows into the order of their experts; or, if `weighted`, back into token order as a weighted
/// sum over each token's experts. Operands: x, routes, y. Backward of a copy: dy, routes, dx. Backward of a
/// weighted sum: x, routes, dy, dx, droutes. Without weights its backward is that of a copy.
struct Permute {
  std::int64_t rows = 0;
  std::int64_t width = 0;
  bool weighted = false;
  bool weighs =
      true;  ///< of a weighted sum; false: the activation between the experts' products has weighed the rows
};

enum class CollectiveKind : std::uint8_t { all_reduce, all_gather, reduce_scatter, all_to_all };
enum class Reduction : std::uint8_t { sum, max };

/// One collective call over a group; it may carry several tensors.
/// Operands: an all-reduce works in place (accumulate), and so do the reduce-scatter and all-gather of
/// ZeRO-1, where a rank's share is a range of the whole tensor. All others, and an all-reduce that adds its
/// result to a gradient, have one operand that is sent (read) and one that arrives (written; accumulated where
/// it adds to a gradient) for each tensor.
/// A collective is identified by its group and its position in the group's order.
struct Collective {
  CollectiveKind kind = CollectiveKind::all_reduce;
  GroupKind group = GroupKind::tp;
  Reduction reduction = Reduction::sum;
  /// Size of the full buffer, as in nccl-tests' formulas: the buffer that is reduced, or the one that a rank
  /// holds after the gather or before the scatter.
  Bytes payload{};
  /// The shards of a gather or scatter are a list of tensors, one for each rank, which the host copies one by one.
  bool lists_shards = false;
  /// Of an all-to-all that sends a token once to each node that needs it and copies it there: how often a token is
  /// copied. The payload are the copies that arrive at a rank (in backward and combine: that leave it).
  std::optional<TokenCopies> copies{};
};

/// The neighbouring stage with which a pipeline transfer exchanges data.
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

enum class HostWay : std::uint8_t { to_host, to_device };
/// A copy between the device's memory and the host's, one call for several tensors. Copies that leave the device are
/// buffered twice: compute that is issued after one waits for the copy before it (wait_rule.hpp).
/// Operands: one that is read and one that is written for each tensor.
struct HostCopy {
  HostWay way = HostWay::to_host;
  Bytes payload{};
};

/// One optimizer step over this rank's share of a block's weights. On the CPU's lane, the host's CPU runs it.
/// Operands: gradient…, gradient norm (absent where updates run in backward), the states (master, m, [scales of
/// m,] v, [scales of v]) updated, weight… written. Muon has two of them for its matrices: gradient…, norm, m,
/// iterate… written; then iterate…, [master,] weight…
struct OptimizerUpdate {
  OptimizerKind kind = OptimizerKind::adamw;
  std::int64_t parameters = 0;
  /// Weights without masters are rounded up or down at random, so that they are right on average.
  bool stochastic_rounding = false;
};

using OpKind = std::variant<Gemm, GroupedGemm, Attention, Pointwise, Norm, Rope, Embedding, CrossEntropy,
                            CausalConv, LinearScan, GatedNorm, Gate, IndexScores, Route, Permute, Collective,
                            Send, Recv, HostCopy, OptimizerUpdate>;

// ---- What every operation carries.

enum class Access : std::uint8_t {
  read,
  write,       ///< the old content is lost
  accumulate,  ///< read and written: +=, or changed in place
};

/// One tensor that an operation reads or writes. It means the instance of layer (the block call's layer +
/// layer_shift): layer i reads "hidden" with shift 0, its input, and writes "hidden" with shift 1, the input
/// of layer i + 1.
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
  attention_core,  ///< scores, softmax, values; the choice of keys in sparse attention
  mixer,           ///< of linear mixers: products, convolution, gated norm
  scan,            ///< of linear mixers: the scan
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
inline constexpr std::size_t kComponentCount = 15;

/// The part of the step to which an operation belongs. In forward and recompute the operation runs its
/// forward form, in the backward phases its gradient form.
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
  /// Dependencies of communication that does not overlap compute. The communication starts after all compute
  /// before it in program order …
  bool after_compute = false;
  /// … and the next compute in program order waits until it has ended.
  bool blocks_compute = false;
  /// The communication is split into chunks that overlap the product which uses (or makes) its data.
  bool pipelined = false;
  /// The operation runs as this many equal calls, one after the other, each on its part of the data: as one for each
  /// expert. Sizes and operands are those of all calls together.
  std::int32_t calls = 1;
  /// For a ZeRO-3 gather or a copy from the host: how many block calls earlier it is issued. It overlaps the compute
  /// of those calls, and that many more buffers are alive.
  std::int8_t prefetch_blocks = 0;
  /// The operation is one of so many that work on equal ranges of the tokens, one after the other. Of an
  /// operand that has all tokens it touches its range alone; `accumulate` then means that the other ranges
  /// stay as they are.
  std::int32_t parts = 1;
  /// One of the operands: after the host has issued this operation, it waits until the last write of this
  /// tensor has ended, because what it issues next depends on it. Examples: the numbers of tokens that experts
  /// get, the norm of the gradients.
  std::optional<TensorId> host_awaits{};
};

/// The kinds that communicate with other ranks.
using Communication = std::variant<Collective, Send, Recv>;
/// The operation's communication; none for operations that a rank computes alone.
std::optional<Communication> communication_of(const Op& op);
bool is_communication(const Op& op);
/// True of what runs as kernels of the device. The others are communication, copies between host and device, and what
/// the host's CPU computes.
bool is_kernel(const Op& op);
/// True of matrix products: Gemm and GroupedGemm.
bool is_product(const Op& op);
/// True for an FFN's activation, which makes what its second product reads, and for the backward pass of it.
bool is_activation(const Op& op);

std::string_view to_string(Component component);
std::string_view to_string(Phase phase);
std::string_view to_string(CollectiveKind kind);
std::string_view to_string(PointwiseKind kind);
std::string_view to_string(Access access);
/// "gemm", "attention", "norm", … ; Pointwise and Collective give their own kind: "swiglu", "all-reduce".
std::string_view kind_name(const OpKind& kind);

}  // namespace foreshard
