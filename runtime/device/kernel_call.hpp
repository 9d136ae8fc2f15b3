#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "planner/program/ops/op.hpp"
#include "runtime/device/buffer.hpp"
#include "runtime/device/routed_rows.hpp"
#include "runtime/device/token_rows.hpp"

namespace foreshard {

// What a device is asked to run: an operation of the step program with its operands bound to memory. One
// operation is one call, or a few where it touches several tensors (zeroing, updating). Matrices are
// row-major and dense. Symbols: docs/shapes.md. Every buffer has exactly the stated number of elements,
// which devices check; no output overlaps an input unless said.

/// C (m,n) = op(A) (m,k) · op(B) (k,n) [+ C] [+ bias]. FLOPs 2·m·n·k.
///   forward          X (T,in) · W (out,in)ᵀ     transpose_b
///   backward-input   dY (T,out) · W (out,in)
///   backward-weight  dY (T,out)ᵀ · X (T,in)      transpose_a
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
  Buffer bias{};  ///< (n), or empty: added to every row
};

/// Scaled-dot-product attention of `batch` sequences, block by block: memory linear in the sequence.
/// Rows of qkv are {heads·d of q, kv_heads·d of k, kv_heads·d of v} of one token, tokens sequence after
/// sequence. P = softmax(Q·Kᵀ/√d), masked above the diagonal if causal; O = P·V; lse = log Σ exp of the
/// scaled scores. Query head h reads kv head h / (heads / kv_heads). qkv, d_qkv (batch·sequence, (heads +
/// 2·kv_heads)·d)   out, d_out (batch·sequence, heads·d) lse (batch·sequence, heads) FLOPs forward
/// 4·batch·heads·sequence²·d, backward 10·…: five products for forward's two; half if causal. Source: Dao et
/// al. 2022, arXiv:2205.14135.
struct AttentionCall {
  bool backward = false;
  bool causal = true;
  std::int64_t batch = 1;
  std::int64_t sequence = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  Buffer qkv{};
  Buffer out{};    ///< written forward, read backward
  Buffer lse{};    ///< written forward, read backward
  Buffer d_out{};  ///< backward
  Buffer d_qkv{};  ///< backward: written
};

/// Root-mean-square norm y = x/√(mean x² + ε) ∘ w, stats = that reciprocal root (rows);
/// layer norm y = (x − μ)/√(var + ε) ∘ w + b, stats = μ and the reciprocal root, interleaved (rows,2).
/// Backward: dx = gradient through the norm [+ residual]; d_weight and d_bias, where not empty, are added to.
/// x, y, dy, dx, residual (rows,width)   weight, bias, d_weight, d_bias (width)
/// residual may be dx itself. Source: Zhang and Sennrich 2019, arXiv:1910.07467; Ba et al. 2016,
/// arXiv:1607.06450.
/// Norms of queries and keys: rows are the first `heads` heads side by side in each row of matrices
/// (rows/heads,row_width), whose other columns they leave alone; the first `first_heads` heads have the first
/// `width` of 2·width weights, the others the rest. Root-mean-square norms alone. Source: Dehghani et al.
/// 2023, arXiv:2302.05442, section 2.
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
  Buffer residual{};  ///< backward: the gradient that passes by, or empty
  Buffer dx{};        ///< backward: written
  Buffer d_weight{};
  Buffer d_bias{};
  std::int64_t heads = 0;        ///< 0: rows stand one behind the other and have the same weights
  std::int64_t first_heads = 0;  ///< of them
  std::int64_t row_width = 0;

  /// Where a row begins in x, y, dy, dx and residual.
  [[nodiscard]] constexpr std::int64_t place_of(std::int64_t row) const {
    return heads == 0 ? row * width : row / heads * row_width + row % heads * width;
  }
  /// Where its weights begin.
  [[nodiscard]] constexpr std::int64_t weights_of(std::int64_t row) const {
    return heads == 0 || row % heads < first_heads ? 0 : width;
  }
  [[nodiscard]] constexpr std::int64_t weights() const { return heads == 0 ? width : 2 * width; }
};

/// Rotary embedding in place of `heads` heads of each row of x (tokens, row_width): the pair (i, i + d/2) of
/// a head turns by position·θ^(−2i/d); by the opposite angle if `inverse` (backward). Head h begins in column
/// first_column + h·stride_of_heads(). Rows are as TokenRows says, of share `share` of `shares` of each
/// sequence. Source: Su et al. 2021, arXiv:2104.09864, in the halves' order of GPT-NeoX and Llama.
struct RopeCall {
  bool inverse = false;
  std::int64_t tokens = 0;
  std::int64_t sequence = 0;  ///< positions of a whole one
  std::int64_t shares = 1;
  std::int64_t share = 0;
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;     ///< d: the columns of a head that turn
  std::int64_t head_stride = 0;  ///< 0: heads stand side by side
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

/// y (tokens,width) = the table's rows; a rank holds the rows first_row … first_row + rows − 1 and gives
/// zeros for other ids. Backward: d_table += dy, row by row. ids (tokens) int32, table, d_table (rows,width).
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
  Buffer d_table{};  ///< backward: added to
};

/// Cross-entropy on one rank's columns first_column … first_column + columns − 1 of the logits, of which
/// those from `vocab` on are padding and take no part. Parts as CrossEntropyPart:
///   row_max   max (T) = largest logit of the row here
///   exp_sum   sums (T,2) = {Σ exp(logit − max), logit of the label − max or 0 where another rank holds it}
///   loss      forward: loss (1) = Σ over tokens of log(sum) − label's, times `scale`
///             backward: d_logits (T,columns) = (exp(logit − max)/sum − [label])·scale; 0 in padding; may be
///             the logits themselves
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

/// One pass over memory, with the operands that PointwiseKind documents, in that order; backward where the
/// operation is. `elements` of the result, unless said:
///   add, multiply          y = a ∘ b; add's b may be shorter: repeated every b.elements (learned positions)
///   gelu … sigmoid         y = f(x); backward dx = dy · f′(x). gelu by erf
///   swiglu, geglu, glu     x (rows, 2·width) = {gate, up} → y (rows, width) = f(gate) ∘ up; elements =
///   rows·width bias_gradient          d_bias (width) += Σ over rows of dy (rows,width) zero, cast,
///   accumulate x = 0; y = x; y += x sum_squares            sum (1) += scale · Σ x²
struct PointwiseCall {
  bool backward = false;
  PointwiseKind kind = PointwiseKind::add;
  std::int64_t elements = 0;
  std::int64_t width = 0;  ///< of a row, where rows matter
  double scale = 1.0;      ///< sum_squares
  Buffer a{};              ///< first operand read: a, x, dy of bias_gradient
  Buffer b{};              ///< second operand read: b; dy of a backward
  Buffer c{};              ///< third operand read: dy of multiply's backward
  Buffer y{};              ///< written, or added to by bias_gradient, accumulate and sum_squares
  Buffer y2{};             ///< second result: db of multiply's backward
};

/// What is the same for all updates of one step. Lives outside the device's arena; the host sets it before
/// the step.
struct OptimizerStep {
  std::int64_t step = 1;  ///< 1, 2, …: bias correction
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;
  double clip_norm = 1.0;  ///< gradients are scaled by min(1, this/‖g‖)
};

/// One optimizer step over `elements` weights that lie together. ‖g‖² stands in grad_norm (1).
/// adamw: m = β1·m + (1−β1)·g, v = β2·v + (1−β2)·g², w −= lr·(m̂/(√v̂ + ε) + decay·w), m̂ = m/(1−β1ᵗ),
/// v̂ = v/(1−β2ᵗ); adam without decay; sgd w −= lr·g. With a master, it is updated and the weight a copy of
/// it. Source: Loshchilov and Hutter 2019, arXiv:1711.05101.
struct UpdateCall {
  OptimizerKind kind = OptimizerKind::adamw;
  const OptimizerStep* step = nullptr;
  std::int64_t elements = 0;
  Buffer gradient{};
  Buffer grad_norm{};
  Buffer master{};  ///< or empty
  Buffer m{};
  Buffer v{};
  Buffer weight{};
};

/// Where the heads of a matrix stand: head h of row r begins at r·row_width + first_column + h·head_stride.
struct HeadColumns {
  Buffer x{};
  std::int64_t row_width = 0;
  std::int64_t first_column = 0;
  std::int64_t head_stride = 0;
};

/// Attention as AttentionCall, of queries, keys and values that lie apart: the keys of all context-parallel
/// ranks beside the queries of one, or those of latent attention, whose last `shared_dim` columns all heads
/// share. Of each query head, own_dim + shared_dim columns; of each kv head own_dim of k and v_head_dim of v.
/// Scores are scaled by 1/√(own_dim + shared_dim). out, d_out (query rows, heads·v_head_dim)
/// lse (query rows, heads). FLOPs forward 2·batch·heads·query·key·(d + v_head_dim), backward
/// 2·…·(3·d + 2·v_head_dim), d = own_dim + shared_dim; half if causal.
struct SpreadAttentionCall {
  bool backward = false;
  bool causal = true;
  TokenRows queries{};
  TokenRows keys{};  ///< of the same sequences, all of their positions
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
  Buffer d_out{};    ///< backward
  HeadColumns dq{};  ///< backward, as the next three: added to
  HeadColumns dk{};
  HeadColumns d_shared_k{};
  HeadColumns dv{};

  [[nodiscard]] constexpr std::int64_t key_dim() const { return own_dim + shared_dim; }
};

/// y (rows, y_width), columns y_column …, becomes or is added to by x (rows, x_width), columns x_column …:
/// `width` of them.
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

/// Chooses k = per_token of E = experts for every token: routes (T,2k) = {the experts with the largest
/// logits, largest first and of equal ones the first; the softmax of their logits among themselves}.
/// Backward: d_logits (T,E) from d_routes, of which the second half counts. Source: Jiang et al. 2024,
/// arXiv:2401.04088, section 2.1.
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

/// Between rows of tokens (T,width) and rows of their choices (T·k,width): choice j of token t has the row
/// places[(first_token + t)·k + j], with weight w = routes[t, k + j].
///   dispatch           expert_rows[p] = token_rows[t]          backward  token_rows[t] = Σ_j expert_rows[p]
///   combine (weighted) token_rows[t] = Σ_j w·expert_rows[p]
///             backward d_expert_rows[p] = w·token_rows[t], d_routes[t, k + j] = expert_rows[p]·token_rows[t]
/// `places` outlives the call and may change between runs.
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

/// One product per expert over the rows that were routed to it: y (room,out) = x (room,in) · W_eᵀ, W
/// (experts,out,in). Backward x (+)= y·W_e and W_e (+)= yᵀ·x, where x and y are gradients of the forward's.
/// FLOPs 2·rows·out·in of the rows that `routed` lists when the call runs; it outlives the call.
struct GroupedGemmCall {
  GroupedPart part = GroupedPart::forward;
  bool accumulate = false;  ///< of gradients
  std::int64_t experts = 0;
  std::int64_t room = 0;  ///< rows that x and y have
  std::int64_t out = 0;
  std::int64_t in = 0;
  const RoutedRows* routed = nullptr;
  Buffer x{};
  Buffer weight{};
  Buffer y{};
};

/// The product of one run of rows. An expert may have several runs: they add up in its weight's gradient.
inline GemmCall product_of(const GroupedGemmCall& call, const Buffer& x, const Buffer& weight,
                           const Buffer& y) {
  const std::int64_t rows = x.elements / call.in;
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
  return {.m = rows, .n = call.out, .k = call.in, .transpose_b = true, .a = x, .b = weight, .c = y};
}

using KernelCall =
    std::variant<GemmCall, AttentionCall, NormCall, RopeCall, EmbeddingCall, CrossEntropyCall, PointwiseCall,
                 UpdateCall, SpreadAttentionCall, ColumnsCall, RouteCall, PermuteCall, GroupedGemmCall>;

}  // namespace foreshard
