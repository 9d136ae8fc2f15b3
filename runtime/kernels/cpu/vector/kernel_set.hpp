#pragma once

#include <cstdint>

#include "runtime/device/kernel_call.hpp"

namespace foreshard::cpu {

/// Rows, tokens or elements begin … end − 1: what one thread works on.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  [[nodiscard]] constexpr std::int64_t size() const { return end - begin; }
};

/// One tile of attention scores (rows, columns), queries by keys, rows `stride` apart. Row i sees its first
/// min(columns, visible_in_first + i) keys if causal; all columns else.
struct ScoreTile {
  float* scores = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;
  bool causal = false;
  std::int64_t visible_in_first = 0;
};

/// What stands of the softmax of a tile's rows while key after key comes by: the largest score, and Σ exp of
/// the scores minus it. out (rows,d) lies out_stride apart and is scaled along when the maximum grows.
struct SoftmaxState {
  float* max = nullptr;
  float* sum = nullptr;
  float* out = nullptr;
  std::int64_t out_stride = 0;
  std::int64_t d = 0;
};

/// What an update needs of OptimizerStep, computed once: factors in fp32.
struct UpdateFactors {
  float clip = 1.0F;
  float rate = 0.0F;
  float decay = 0.0F;
  float beta1 = 0.0F;
  float beta2 = 0.0F;
  float unbias1 = 1.0F;  ///< 1/(1 − β1ᵗ)
  float unbias2 = 1.0F;  ///< 1/(1 − β2ᵗ)
  float epsilon = 0.0F;
};

/// The vectorised loops of one instruction set, each on a range of its call. Activations, their gradients,
/// weights and weights' gradients are fp32 or bf16 as their buffers say, one width per call but for the
/// gradients of weights and logits; all else is fp32. Arithmetic is fp32; what is stored in bf16 is rounded
/// to nearest even. No call allocates or throws, and what it computes for a row does not depend on the range
/// that the row is in.
struct KernelSet {
  const char* name;

  void (*norm_forward)(const NormCall& call, Range rows);
  /// d_weight and d_bias (width) are sums of this range alone, added to; null where not wanted.
  void (*norm_backward)(const NormCall& call, Range rows, float* d_weight, float* d_bias);

  /// turns (sequence, d): d/2 cosines, then d/2 sines, of each position.
  void (*rope)(const RopeCall& call, const float* turns, Range tokens);

  void (*row_max)(const CrossEntropyCall& call, Range tokens);
  void (*exp_sum)(const CrossEntropyCall& call, Range tokens);
  void (*loss_backward)(const CrossEntropyCall& call, Range tokens);

  /// Activations, products and sums, element by element.
  void (*elementwise)(const PointwiseCall& call, Range elements);
  void (*gated)(const PointwiseCall& call, Range rows);
  void (*update)(const UpdateCall& call, const UpdateFactors& factors, Range elements);

  /// Between rows of tokens and rows of their choices; places and routes are read from the call's first token
  /// on.
  void (*permute)(const PermuteCall& call, Range tokens);

  /// y = x, y += x, of as many numbers as x has; either may be fp32 or bf16.
  void (*copy)(const Buffer& y, const Buffer& x);
  void (*add_to)(const Buffer& y, const Buffer& x);
  /// y_j += Σ over rows of x (rows, stride) for the columns j of the range.
  void (*add_columns)(const Buffer& y, const Buffer& x, std::int64_t stride, Range columns);
  double (*sum_squares)(const Buffer& x);

  /// Scores become exp(score − max); the state moves on.
  void (*softmax_tile)(const ScoreTile& tile, const SoftmaxState& state);
  /// out /= sum, lse = max + log(sum); lse of the rows lies lse_stride apart.
  void (*softmax_end)(const SoftmaxState& state, std::int64_t rows, float* lse, std::int64_t lse_stride);
  /// Scores become P = exp(score − lse), lse one per row.
  void (*probabilities)(const ScoreTile& tile, const float* lse);
  /// d_probabilities (as the tile) becomes dS = P∘(dP − out_product)·scale; the tile holds P.
  void (*score_gradients)(const ScoreTile& tile, float* d_probabilities, const float* out_product,
                          float scale);
  /// products_i = Σ a∘b of row i; rows (rows,d) of both lie `stride` apart.
  void (*row_products)(const float* a, const float* b, std::int64_t rows, std::int64_t stride, std::int64_t d,
                       float* products);
};

}  // namespace foreshard::cpu
