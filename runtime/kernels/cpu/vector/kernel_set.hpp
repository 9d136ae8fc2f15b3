#pragma once

#include <cstdint>

#include "runtime/device/kernel_call.hpp"

namespace foreshard::cpu {

/// The rows, tokens or elements begin … end − 1, which one thread processes.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  [[nodiscard]] constexpr std::int64_t size() const { return end - begin; }
};

/// One tile of attention scores (rows, columns): queries by keys, rows `stride` elements apart. Row i attends
/// to the columns seen[i], which may be none.
struct ScoreTile {
  float* scores = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;
  const Range* seen = nullptr;
};

/// State of the online softmax of a tile's rows: the largest score so far, and Σ exp(score − largest score); at first
/// −∞ and 0, or a sink and 1. The rows of out (rows,d) are out_stride elements apart; they are rescaled when the maximum grows.
struct SoftmaxState {
  float* max = nullptr;
  float* sum = nullptr;
  float* out = nullptr;
  std::int64_t out_stride = 0;
  std::int64_t d = 0;
};

/// The numbers of 8-bit codes in fp32 (MomentCodes).
struct CodeTable {
  float numbers[256];
  float halfway[255];
};

/// The factors of an update in fp32, computed once from OptimizerStep.
struct UpdateFactors {
  float clip = 1.0F;
  float rate = 0.0F;
  float decay = 0.0F;
  float beta1 = 0.0F;
  float beta2 = 0.0F;
  float unbias1 = 1.0F;  ///< 1/(1 − β1ᵗ)
  float unbias2 = 1.0F;  ///< 1/(1 − β2ᵗ)
  float epsilon = 0.0F;
  float momentum = 0.0F;
  float scale = 1.0F;  ///< of Muon's iterate
  std::uint64_t rounding_seed = 0;
  const CodeTable* first = nullptr;  ///< of 8-bit moments
  const CodeTable* second = nullptr;
};

/// The vectorised loops of one instruction set; each processes a range of its call. Activations, weights and
/// their gradients are fp32 or bf16, the same for all operands of a call except the gradients of weights and
/// logits. Everything else is fp32. Arithmetic is in fp32; bf16 results are rounded to nearest, ties to even.
/// No loop allocates or throws. The result of a row does not depend on the range in which it is processed.
struct KernelSet {
  const char* name;

  void (*norm_forward)(const NormCall& call, Range rows);
  /// Adds the sums over this range to d_weight and d_bias (width); null if they are not wanted.
  void (*norm_backward)(const NormCall& call, Range rows, float* d_weight, float* d_bias);

  /// turns (sequence, d): for each position d/2 cosines, then d/2 sines.
  void (*rope)(const RopeCall& call, const float* turns, Range tokens);

  void (*row_max)(const CrossEntropyCall& call, Range tokens);
  void (*exp_sum)(const CrossEntropyCall& call, Range tokens);
  void (*loss_backward)(const CrossEntropyCall& call, Range tokens);

  /// Activations, products and sums, element by element.
  void (*elementwise)(const PointwiseCall& call, Range elements);
  void (*gated)(const PointwiseCall& call, Range rows);
  /// For a range of the numbers of the gate.
  void (*output_gate)(const GateCall& call, Range gates);
  /// @pre the range begins with a block of 256 elements, and ends with one or with the call
  void (*update)(const UpdateCall& call, const UpdateFactors& factors, Range elements);

  /// Moves rows between token order and expert order, for a range of the call's tokens.
  void (*permute)(const PermuteCall& call, Range tokens);

  /// y = x and y += x, for the elements of x; each may be fp32 or bf16.
  void (*copy)(const Buffer& y, const Buffer& x);
  /// y = factor·x; each may be fp32 or bf16.
  void (*scale)(const Buffer& y, const Buffer& x, float factor);
  void (*add_to)(const Buffer& y, const Buffer& x);
  /// y_j += Σ over rows of x (rows, stride) for the columns j of the range.
  void (*add_columns)(const Buffer& y, const Buffer& x, std::int64_t stride, Range columns);
  double (*sum_squares)(const Buffer& x);

  /// Replaces the scores by exp(score − max) and updates the state.
  void (*softmax_tile)(const ScoreTile& tile, const SoftmaxState& state);
  /// out /= sum; lse = max + log(sum). The lse of consecutive rows are lse_stride elements apart.
  void (*softmax_end)(const SoftmaxState& state, std::int64_t rows, float* lse, std::int64_t lse_stride);
  /// Replaces the scores by P = exp(score − lse), with one lse per row.
  void (*probabilities)(const ScoreTile& tile, const float* lse);
  /// Replaces dP in d_probabilities, which has the layout of the tile, by dS = P∘(dP − out_product)·scale.
  /// The tile holds P.
  void (*score_gradients)(const ScoreTile& tile, float* d_probabilities, const float* out_product,
                          float scale);
  /// products_i = Σ a∘b of row i; the rows of a and b (rows,d) are `stride` elements apart.
  void (*row_products)(const float* a, const float* b, std::int64_t rows, std::int64_t stride, std::int64_t d,
                       float* products);
};

}  // namespace foreshard::cpu
