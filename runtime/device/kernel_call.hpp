#pragma once

#include <cstdint>
#include <variant>

#include "planner/program/op.hpp"
#include "runtime/device/buffer.hpp"

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
};

/// Rotary embedding in place of the first `heads` heads of each row of x (tokens, row_width): the pair
/// (i, i + d/2) of a head turns by position·θ^(−2i/d), position = row mod sequence; by the opposite angle if
/// `inverse` (backward). Source: Su et al. 2021, arXiv:2104.09864, in the halves' order of GPT-NeoX and
/// Llama.
struct RopeCall {
  bool inverse = false;
  std::int64_t tokens = 0;
  std::int64_t sequence = 0;
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t row_width = 0;
  double theta = 10000.0;
  Buffer x{};
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

using KernelCall = std::variant<GemmCall, AttentionCall, NormCall, RopeCall, EmbeddingCall, CrossEntropyCall,
                                PointwiseCall, UpdateCall>;

}  // namespace foreshard
