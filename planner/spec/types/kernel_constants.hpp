#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// Implementations of fused attention. fa1 … fa4: the FlashAttention library; cudnn: NVIDIA's, also behind
/// Transformer Engine; triton: the kernel of Triton's tutorials.
enum class FlashVersion : std::uint8_t { fa1, fa2, fa3, fa4, cudnn, triton };
inline constexpr std::size_t kFlashVersionCount = 6;

/// One direction of one implementation of fused attention. Its time is
///   launch + 2·(rows·(keys + key_prologue) + SM·tail_rows·(key + key_prologue))·products·width / rate
/// for `rows` = batch·heads·query, `keys` seen by a row on average and `key` by the longest, SM
/// multiprocessors, and 2 (forward) or 5 (backward) products. docs/cost_model.md derives it.
struct AttentionRate {
  double efficiency = 0.0;    ///< fraction of the GEMM peak: long sequences, many heads, head dimension 128
  double score_cost = 0.0;    ///< exponentials: a score costs as much as this many elements of a head more
  double key_prologue = 0.0;  ///< keys: a row costs as if it saw this many more
  double tail_rows = 0.0;     ///< rows per multiprocessor: what the last, unevenly filled wave costs
  friend bool operator==(const AttentionRate&, const AttentionRate&) = default;
};

/// Fused attention as one accelerator runs it.
struct FlashAttention {
  AttentionRate forward;
  AttentionRate backward;
  double in_step = 1.0;  ///< rate inside a training step, of that measured alone
  friend bool operator==(const FlashAttention&, const FlashAttention&) = default;
};

/// What passes over memory do, as far as they differ in the fraction of the bandwidth they reach.
enum class MemoryPass : std::uint8_t {
  gemm,           ///< a matrix product that its operands' bytes limit
  grouped_gemm,   ///< the same of experts' products
  elementwise,    ///< add, multiply, cast, accumulate, zero
  reduction,      ///< bias gradient, sum of squares
  activation,     ///< gelu, relu, sqrelu, silu, sigmoid, swiglu, geglu, glu
  dropout,        ///< alone or with the residual connection
  softmax,        ///< of an unfused attention core
  norm,           ///< rmsnorm, layernorm
  rope,           ///< rotary positions
  embedding,      ///< rows of a table, and adding to them
  cross_entropy,  ///< each of its parts
  routing,        ///< choice of experts, and token rows put into their order and back
  attention,      ///< a fused attention core that its operands' bytes limit
  optimizer,      ///< one update
};
inline constexpr std::size_t kMemoryPassCount = 14;

/// Fractions of the datasheet bandwidth that large tensors reach in one kind of pass.
struct MemoryFraction {
  std::optional<double> forward;   ///< unsaid: KernelConstants::memory_efficiency
  std::optional<double> backward;  ///< unsaid: as forward
  friend bool operator==(const MemoryFraction&, const MemoryFraction&) = default;
};

/// The constants of the kernel-time model, fitted to measured kernels (never to step times).
struct KernelConstants {
  Seconds gemm_fixed;                ///< fixed cost of one GEMM
  std::int64_t gemm_k_prologue = 0;  ///< k is counted as k + this: filling the pipeline of a tile
  double gemm_accumulate = 1.0;      ///< rate of products that add into an fp32 result, of the others'
  double grouped_efficiency = 1.0;   ///< rate of experts' products, of that of single ones
  Seconds grouped_fixed;             ///< fixed cost of each expert's product
  /// By FlashVersion; none where nobody measured it.
  std::array<std::optional<FlashAttention>, kFlashVersionCount> attention;
  double memory_efficiency = 0.0;  ///< fraction of the datasheet bandwidth reached by large tensors
  Bytes memory_half_size;          ///< bytes moved at which half of that is reached
  std::array<MemoryFraction, kMemoryPassCount> memory_fraction;  ///< by MemoryPass
  Seconds launch;                                                ///< least time of a dependent kernel
  Seconds submit;                    ///< host time to submit one kernel of a compiled program
  double communication_share = 0.0;  ///< of the multiprocessors that a running collective occupies
  double device_spread = 0.0;        ///< standard deviation of speed from device to device, relative
  double spread = 0.0;               ///< relative residual of the fit: half of the error band
};

/// How well the constants reproduce one set of measured kernels (configs/physics). Written by fit_kernels.
struct KernelFit {
  std::string data;          ///< name of the set
  bool fitted = false;       ///< the constants are fitted to it; else it only judges them
  std::int64_t kernels = 0;  ///< in it
  double mean_error = 0.0;   ///< mean of |predicted/measured − 1|
  double spread = 0.0;       ///< standard deviation of log(predicted/measured)
  friend bool operator==(const KernelFit&, const KernelFit&) = default;
};

}  // namespace foreshard
