#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "planner/program/ops/op.hpp"
#include "runtime/device/attention_mask.hpp"
#include "runtime/device/buffer.hpp"
#include "runtime/device/code_calls.hpp"
#include "runtime/device/random_rounding.hpp"
#include "runtime/device/routed_rows.hpp"
#include "runtime/device/token_rows.hpp"

namespace foreshard {

// The kernel calls that a device runs: operations of the step program whose operands are bound to memory. An
// operation is one call, or several if it works on several tensors (zeroing, updating). Matrices are
// row-major and dense. Symbols: docs/shapes.md. Every buffer has exactly the stated number of elements, which
// devices check. No output overlaps an input unless the call says so.

/// C (m,n) = op(A) (m,k) · op(B) (k,n) [+ C] [+ bias]. FLOPs 2·m·n·k.
///   forward           X (T,in) · W (out,in)ᵀ     transpose_b
///   input gradient    dY (T,out) · W (out,in)
///   weight gradient   dY (T,out)ᵀ · X (T,in)     transpose_a
struct GemmCall {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  bool transpose_a = false;  ///< A is stored as (k,m)
  bool transpose_b = false;  ///< B is stored as (n,k)
  bool accumulate = false;   ///< C += instead of C =
  Buffer a{};
  Buffer b{};
  Buffer c{};
  Buffer bias{};  ///< (n), added to every row; or empty
};

/// Scaled-dot-product attention of `batch` sequences, computed in blocks: its memory is linear in the
/// sequence. A row of qkv has one token's q (heads·d), k (kv_heads·d) and v (kv_heads·d); the rows are
/// ordered by sequence, then by position. Query head h uses kv head h / (heads / kv_heads).
///   P = softmax(Q·Kᵀ/√d) over the keys that the mask shows;   O = P·V;   lse = log Σ exp(scaled scores)
///   qkv, d_qkv       (batch·sequence, (heads + 2·kv_heads)·d)
///   out, d_out       (batch·sequence, heads·d)
///   lse              (batch·sequence, heads)
///   sinks, d_sinks   (heads)
/// A sink is one more logit of every row of its head, not scaled and without a value: lse = log(exp(sink) + Σ exp
/// (scaled scores)), so that the row's probabilities sum to less than 1. Its gradient is −Σ over rows of
/// exp(sink − lse)·(dO∘O).
/// FLOPs: forward 4·batch·heads·sequence·keys·d (2 products), backward 10·batch·heads·sequence·keys·d (5 products),
/// with the keys per query as the planner counts them (planner/program/ops/scan_flops.hpp); half of that if causal.
/// Sources: Dao et al. 2022, arXiv:2205.14135;
/// sinks: gpt-oss, arXiv:2508.10925.
struct AttentionCall {
  bool backward = false;
  AttentionMask mask{};
  std::int64_t batch = 1;
  std::int64_t sequence = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  Buffer qkv{};
  Buffer out{};      ///< written forward, read backward
  Buffer lse{};      ///< written forward, read backward
  Buffer sinks{};    ///< or empty
  Buffer d_out{};    ///< backward
  Buffer d_qkv{};    ///< backward: written
  Buffer d_sinks{};  ///< backward: accumulated; empty without sinks
};

/// Root-mean-square norm or layer norm of every row.
///   rmsnorm     y = x/√(mean x² + ε) ∘ w            stats (rows)    1/√(mean x² + ε)
///   layernorm   y = (x − μ)/√(var + ε) ∘ w + b      stats (rows,2)  {μ, 1/√(var + ε)}
///   backward    dx = the gradient of x [+ residual]; d_weight += …; d_bias += …
///   x, y, dy, dx, residual (rows,width)   weight, bias, d_weight, d_bias (width)
/// `residual` may be the same buffer as dx. d_weight and d_bias may be empty.
/// With a row_width, the rows are the columns from first_column on of wider rows, whose other columns are not touched.
/// Source: Zhang and Sennrich 2019, arXiv:1910.07467; Ba et al. 2016, arXiv:1607.06450.
///
/// Norms of query and key heads (heads > 0, rmsnorm only): x, y, dy, dx and residual have the shape
/// (rows/heads, row_width). The first `heads` heads of each matrix row are one row of the norm each; the
/// other columns are not touched. There are 2·width weights: the first `first_heads` heads use the first
/// `width`, the other heads the rest. Source: Dehghani et al. 2023, arXiv:2302.05442, section 2.
struct NormCall {
  bool backward = false;
  NormKind kind = NormKind::rmsnorm;
  double epsilon = 1e-5;
  std::int64_t rows = 0;
  std::int64_t width = 0;
  Buffer x{};
  Buffer weight{};
  Buffer bias{};  ///< layer norm, forward
  Buffer y{};     ///< forward: written
  Buffer stats{};
  Buffer dy{};
  Buffer residual{};  ///< backward: the gradient of the residual connection, or empty
  Buffer dx{};        ///< backward: written
  Buffer d_weight{};
  Buffer d_bias{};
  std::int64_t heads = 0;        ///< 0: rows are contiguous and share the same weights
  std::int64_t first_heads = 0;  ///< heads that use the first weights: the queries
  std::int64_t row_width = 0;
  std::int64_t first_column = 0;  ///< of rows that are not heads

  /// Elements from row to row in x, y, dy, dx and residual.
  [[nodiscard]] constexpr std::int64_t pitch() const { return row_width > 0 ? row_width : width; }
  /// Index of a row's first element there.
  [[nodiscard]] constexpr std::int64_t place_of(std::int64_t row) const {
    return heads == 0 ? row * pitch() + first_column : row / heads * row_width + row % heads * width;
  }
  /// Index of the first weight of a row.
  [[nodiscard]] constexpr std::int64_t weights_of(std::int64_t row) const {
    return heads == 0 || row % heads < first_heads ? 0 : width;
  }
  [[nodiscard]] constexpr std::int64_t weights() const { return heads == 0 ? width : 2 * width; }
};

/// Rotary embedding, in place, of `heads` heads of each row of x (tokens, row_width). Elements i and i + d/2
/// of a head are rotated by the angle position·θ^(−2i/d), or by its negative if `inverse` (backward). Head h
/// begins in column first_column + h·stride_of_heads(). The rows are ordered as TokenRows says: share number
/// `share` of `shares` of each sequence. Source: Su et al. 2021, arXiv:2104.09864; pairs (i, i + d/2) as in
/// GPT-NeoX and Llama.
struct RopeCall {
  bool inverse = false;
  std::int64_t tokens = 0;
  std::int64_t sequence = 0;  ///< positions of a whole sequence
  std::int64_t shares = 1;
  std::int64_t share = 0;
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;     ///< d: the columns of a head that are rotated
  std::int64_t head_stride = 0;  ///< columns from head to head; 0: head_dim
  std::int64_t first_column = 0;
  std::int64_t row_width = 0;
  double theta = 10000.0;
  Buffer x{};

  [[nodiscard]] constexpr std::int64_t stride_of_heads() const {
    return head_stride > 0 ? head_stride : head_dim;
  }
  [[nodiscard]] constexpr std::int64_t position_of(std::int64_t token) const {
    const TokenRows rows{.sequence = sequence, .shares = shares, .first_share = share};
    return rows.place_of(token % rows.share_length()).position;
  }
};

/// y (tokens,width) = table[ids]. A rank holds the table's rows first_row … first_row + rows − 1; tokens with
/// other ids get zeros. Backward: d_table[id] += dy for every token. ids (tokens) int32; table, d_table
/// (rows,width).
struct EmbeddingCall {
  bool backward = false;
  std::int64_t tokens = 0;
  std::int64_t width = 0;
  std::int64_t rows = 0;
  std::int64_t first_row = 0;
  Buffer ids{};
  Buffer table{};    ///< forward
  Buffer y{};        ///< forward: written
  Buffer dy{};       ///< backward
  Buffer d_table{};  ///< backward: accumulated
};

/// Cross-entropy on one rank's columns of the logits: first_column … first_column + columns − 1. Columns from
/// `vocab` on are padding and are ignored. Parts (CrossEntropyPart):
///   row_max   max (T) = the largest logit of the row on this rank
///   exp_sum   sums (T,2) = {Σ exp(logit − max), logit of the label − max}
///             the second is 0 if another rank has the label
///   loss      forward:  loss (1) = scale · Σ over tokens of (log(first sum) − second sum)
///             backward: d_logits (T,columns) = (exp(logit − max)/first sum − [column is the label])·scale
///                       0 in padding; d_logits may be the same buffer as the logits
struct CrossEntropyCall {
  bool backward = false;
  CrossEntropyPart part = CrossEntropyPart::loss;
  std::int64_t tokens = 0;
  std::int64_t columns = 0;
  std::int64_t first_column = 0;
  std::int64_t vocab = 0;
  double scale = 1.0;
  Buffer logits{};
  Buffer labels{};  ///< int32
  Buffer max{};
  Buffer sums{};
  Buffer loss{};
  Buffer d_logits{};
};

/// One pass over memory, with the operands that PointwiseKind documents, in that order. `elements` is the
/// size of the result unless stated:
///   add                  y = a + b; b may be shorter and is repeated every b.elements (learned positions)
///   multiply             y = a ∘ b; backward da = dy ∘ b, db = dy ∘ a
///   gelu … sigmoid       y = f(x); backward dx = dy ∘ f′(x); gelu is computed with erf
///   swiglu, geglu, glu   y (rows, width) = f(gate) ∘ up, {gate, up} = x (rows, 2·width); elements = rows·width
///   bias_gradient        d_bias (width) += Σ over rows of dy (rows,width); elements = rows·width
///   zero                 y = 0
///   cast                 y = scale·x
///   accumulate           y += x
///   normalise            y = scale·x/(√s + 1e-7), with b = s (1)
///   sum_squares          sum (1) += scale · Σ x²; elements is the size of x
struct PointwiseCall {
  bool backward = false;
  PointwiseKind kind = PointwiseKind::add;
  std::int64_t elements = 0;
  std::int64_t width = 0;  ///< of a row: gated kinds and bias_gradient
  double scale = 1.0;      ///< of sum_squares, cast, normalise
  Buffer a{};              ///< first input: a, x, dy of bias_gradient
  Buffer b{};              ///< second input: b; dy of a backward
  Buffer c{};              ///< third input: dy of multiply's backward
  Buffer y{};              ///< result; bias_gradient, accumulate and sum_squares add to it
  Buffer y2{};             ///< second result: db of multiply's backward
};

/// The optimizer's parameters for one step, the same for all updates of the step. They are outside the
/// device's arena; the host sets them before the step.
struct OptimizerStep {
  std::int64_t step = 1;  ///< 1, 2, …; for the bias correction
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;
  double clip_norm = 1.0;  ///< gradients are scaled by min(1, this/‖g‖)
  double momentum = 0.95;  ///< Muon's μ
};

/// One optimizer step over `elements` contiguous weights. grad_norm (1) has ‖g‖².
///   adamw, adamw_8bit   m = β1·m + (1−β1)·g;   v = β2·v + (1−β2)·g²;   m̂ = m/(1−β1ᵗ);   v̂ = v/(1−β2ᵗ)
///                       w −= lr·(m̂/(√v̂ + ε) + decay·w)
///   adam                the same without decay
///   lion                w −= lr·(sign(β1·m + (1−β1)·g) + decay·w);   m = β2·m + (1−β2)·g
///   sgd                 w −= lr·g
///   muon                with a gradient: m = μ·m + g, iterate = g + μ·m (Nesterov)
///                       with a weight:   w −= lr·(scale·iterate + decay·w)
/// If there are master weights, they are updated and `weight` becomes a copy of them. With `keeps_remainder`, `master`
/// has the 16 bits that a bf16 weight lacks of its fp32 master (remainder.hpp). Moments are fp32 or bf16; or
/// uint8 codes (MomentCodes), with a scale per 256 elements: the step computes with what they stand for, and
/// encodes the new moments by the new largest magnitude of the block.
/// Source: Loshchilov and Hutter 2019, arXiv:1711.05101; Chen et al. 2023, arXiv:2302.06675 (Lion); Dettmers et
/// al. 2022, arXiv:2110.02861 (8 bits).
struct UpdateCall {
  OptimizerKind kind = OptimizerKind::adamw;
  bool keeps_remainder = false;  ///< of the masters
  const OptimizerStep* step = nullptr;
  std::int64_t elements = 0;
  Buffer gradient{};
  Buffer grad_norm{};
  Buffer master{};  ///< master weights or what weights lack of them, or empty
  Buffer m{};
  Buffer v{};
  Buffer weight{};
  Buffer m_scale{};  ///< of 8-bit moments: one per 256 elements
  Buffer v_scale{};
  Buffer iterate{};    ///< Muon's: written with a gradient, read with a weight
  double scale = 1.0;  ///< of the iterate
  RandomRounding rounding{};

  [[nodiscard]] constexpr bool is_8bit() const { return m.type == DType::uint8 && !m.empty(); }
};

/// The heads of a matrix x: head h of row r begins at element r·row_width + first_column + h·head_stride.
struct HeadColumns {
  Buffer x{};
  std::int64_t row_width = 0;
  std::int64_t first_column = 0;
  std::int64_t head_stride = 0;
};

/// Attention like AttentionCall, but queries, keys and values are separate matrices. Used with context
/// parallelism, where one rank's queries attend to the gathered keys of all ranks, and for latent attention,
/// where all heads share the last `shared_dim` columns of the keys.
///   query head   d = own_dim + shared_dim columns
///   kv head      own_dim columns of k, v_head_dim columns of v; one shared key head has shared_dim columns
///   out, d_out       (query rows, heads·v_head_dim)
///   lse              (query rows, heads)
///   sinks, d_sinks   (heads)
/// Scores are scaled by 1/√d. FLOPs: forward 2·batch·heads·queries·keys·(d + v_head_dim), backward
/// 2·batch·heads·queries·keys·(3·d + 2·v_head_dim), with queries per sequence and the keys per query as the planner
/// counts them; half of that if causal.
struct GatheredAttentionCall {
  bool backward = false;
  AttentionMask mask{};
  TokenRows queries{};
  TokenRows keys{};  ///< all positions of the same sequences
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t own_dim = 0;
  std::int64_t shared_dim = 0;
  std::int64_t v_head_dim = 0;
  HeadColumns q{};
  HeadColumns k{};
  HeadColumns shared_k{};  ///< one head, or empty
  HeadColumns v{};
  Buffer out{};      ///< written forward, read backward
  Buffer lse{};      ///< written forward, read backward
  Buffer sinks{};    ///< or empty
  Buffer d_out{};    ///< backward
  Buffer d_sinks{};  ///< backward: accumulated; empty without sinks
  HeadColumns dq{};  ///< backward: dq, dk, d_shared_k and dv are accumulated
  HeadColumns dk{};
  HeadColumns d_shared_k{};
  HeadColumns dv{};

  [[nodiscard]] constexpr std::int64_t key_dim() const { return own_dim + shared_dim; }
};

/// The gate on the output of attention: y = σ(gate) ∘ x with the sigmoid σ. Each number of the gate belongs to `width`
/// consecutive numbers of x: 1 for a gate of every element, the size of a head for a gate of every head.
///   x, y, dy, dx (elements)   gate, d_gate (elements / width)
///   backward   dx = dy∘σ(gate);   d_gate = σ′(gate)·Σ over width of dy∘x
/// Source: Qiu et al. 2025, arXiv:2505.06708.
struct GateCall {
  bool backward = false;
  std::int64_t elements = 0;
  std::int64_t width = 1;
  Buffer gate{};
  Buffer x{};
  Buffer y{};       ///< forward: written
  Buffer dy{};      ///< backward
  Buffer d_gate{};  ///< backward: written
  Buffer dx{};      ///< backward: written
};

/// Copies or adds `width` columns of x (rows, x_width), from column x_column on, to the columns of y (rows,
/// y_width) from column y_column on.
struct ColumnsCall {
  std::int64_t rows = 0;
  std::int64_t width = 0;
  bool accumulate = false;
  Buffer x{};
  std::int64_t x_width = 0;
  std::int64_t x_column = 0;
  Buffer y{};
  std::int64_t y_width = 0;
  std::int64_t y_column = 0;
};

/// Chooses k = per_token of E = experts for every token. A row of routes (T,2k) has the numbers of the k
/// experts with the largest logits, the largest first (of equal logits the lower expert first), then the
/// softmax over these k logits. Backward: d_logits (T,E) from the second half of d_routes (T,2k).
/// Source: Jiang et al. 2024, arXiv:2401.04088, section 2.1.
struct RouteCall {
  bool backward = false;
  bool accumulate = false;  ///< d_logits +=
  std::int64_t tokens = 0;
  std::int64_t experts = 0;
  std::int64_t per_token = 0;
  Buffer logits{};
  Buffer routes{};
  Buffer d_routes{};
  Buffer d_logits{};
};

/// Moves rows between token order, token_rows (T,width), and expert order, expert_rows (T·k,width). Choice j
/// of token t has row p = places[(first_token + t)·k + j] of expert_rows, and weight w = routes[t, k + j].
///   dispatch              expert_rows[p] = token_rows[t]
///     backward            token_rows[t] = Σ_j expert_rows[p]
///   combine (weighted)    token_rows[t] = Σ_j w·expert_rows[p]
///     backward            d_expert_rows[p] = w·token_rows[t]
///                         d_routes[t, k + j] = expert_rows[p]·token_rows[t]
/// `places` must outlive the call and may change between runs.
struct PermuteCall {
  bool backward = false;
  bool weighted = false;
  bool accumulate = false;  ///< token_rows +=
  std::int64_t tokens = 0;
  std::int64_t per_token = 0;
  std::int64_t width = 0;
  std::int64_t first_token = 0;
  const std::vector<std::int64_t>* places = nullptr;
  Buffer token_rows{};
  Buffer expert_rows{};
  Buffer routes{};
  Buffer d_expert_rows{};
  Buffer d_routes{};
};

enum class GroupedPart : std::uint8_t { forward, input_gradient, weight_gradient };

/// One matrix product per expert e, over the rows that were routed to it; W (experts,out,in).
///   forward           y (room,out) = x (room,in) · W_eᵀ
///   input_gradient    x (+)= y·W_e      x and y are the gradients of forward's x and y
///   weight_gradient   W_e (+)= yᵀ·x     W and y are the gradients of forward's W and y
/// Forward with a bias (experts,out) adds row e of it to expert e's rows of y.
/// FLOPs 2·rows·out·in, with the rows that `routed` lists when the call runs. `routed` must outlive the call.
struct GroupedGemmCall {
  GroupedPart part = GroupedPart::forward;
  bool accumulate = false;  ///< gradients are added
  std::int64_t experts = 0;
  std::int64_t room = 0;  ///< rows of x and y; at least the rows that were routed
  std::int64_t out = 0;
  std::int64_t in = 0;
  const RoutedRows* routed = nullptr;
  Buffer x{};
  Buffer weight{};
  Buffer y{};
  Buffer bias{};  ///< forward: (experts,out), or empty

  /// The parts of weight and bias that belong to one expert.
  [[nodiscard]] Buffer weight_of(std::int64_t expert) const {
    return weight.part(expert * out * in, out * in);
  }
  [[nodiscard]] Buffer bias_of(std::int64_t expert) const {
    return bias.empty() ? Buffer{} : bias.part(expert * out, out);
  }
};

/// The gradients of experts' biases: row e of d_bias (experts,width) += Σ over the rows of dy (room,width) that were
/// routed to expert e. `routed` must outlive the call.
struct GroupedBiasCall {
  std::int64_t experts = 0;
  std::int64_t room = 0;
  std::int64_t width = 0;
  const RoutedRows* routed = nullptr;
  Buffer dy{};
  Buffer d_bias{};
};

/// The sum over one run of rows.
inline PointwiseCall sum_of(const GroupedBiasCall& call, const ExpertRun& run) {
  return {.kind = PointwiseKind::bias_gradient,
          .elements = run.rows * call.width,
          .width = call.width,
          .a = call.dy.part(run.first * call.width, run.rows * call.width),
          .y = call.d_bias.part(run.expert * call.width, call.width)};
}

/// The product of one run of an expert's rows. An expert may have several runs; their products add up in the
/// weight's gradient.
inline GemmCall product_of(const GroupedGemmCall& call, std::int64_t expert, const Buffer& x,
                           const Buffer& y) {
  const std::int64_t rows = x.elements / call.in;
  const Buffer weight = call.weight_of(expert);
  switch (call.part) {
    case GroupedPart::input_gradient:
      return {
          .m = rows, .n = call.in, .k = call.out, .accumulate = call.accumulate, .a = y, .b = weight, .c = x};
    case GroupedPart::weight_gradient:
      return {.m = call.out,
              .n = call.in,
              .k = rows,
              .transpose_a = true,
              .accumulate = true,
              .a = y,
              .b = x,
              .c = weight};
    case GroupedPart::forward: break;
  }
  return {.m = rows,
          .n = call.out,
          .k = call.in,
          .transpose_b = true,
          .a = x,
          .b = weight,
          .c = y,
          .bias = call.bias_of(expert)};
}

using KernelCall =
    std::variant<GemmCall, AttentionCall, NormCall, RopeCall, EmbeddingCall, CrossEntropyCall, PointwiseCall,
                 UpdateCall, GatheredAttentionCall, GateCall, ColumnsCall, RouteCall, PermuteCall,
                 GroupedGemmCall, GroupedBiasCall, AmaxCall, QuantiseCall, DecodeCall, TransposeCall>;

}  // namespace foreshard
