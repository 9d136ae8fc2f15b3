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

/// Constants of one direction (forward or backward) of one implementation of fused attention. Its time is
///   launch + 2·(rows·(keys + key_prologue) + SM·tail_rows·(key + key_prologue))·products·width / rate
/// where rows = batch·heads·query, keys = keys per row on average, key = keys of the longest row, SM = number
/// of multiprocessors, products = 2 (forward) or 5 (backward). docs/cost_model.md derives it.
struct AttentionRate {
  double efficiency = 0.0;    ///< fraction of the GEMM peak: long sequences, many heads, head dimension 128
  double score_cost = 0.0;    ///< cost of a score's exponential, as additional elements of the head dimension
  double key_prologue = 0.0;  ///< fixed cost of a row, as additional keys
  double tail_rows = 0.0;     ///< cost of the last, unevenly filled wave, as rows per multiprocessor
  friend bool operator==(const AttentionRate&, const AttentionRate&) = default;
};

/// Fused attention as one accelerator runs it.
struct FlashAttention {
  AttentionRate forward;
  AttentionRate backward;
  double in_step = 1.0;  ///< rate inside a training step over the rate measured in isolation
  friend bool operator==(const FlashAttention&, const FlashAttention&) = default;
};

/// The kinds of memory-bound kernels that differ in the fraction of the bandwidth that they reach.
enum class MemoryPass : std::uint8_t {
  gemm,           ///< a matrix product that is limited by the bytes of its operands
  grouped_gemm,   ///< the same for the experts' products
  elementwise,    ///< add, multiply, cast, accumulate, zero
  reduction,      ///< bias gradient, sum of squares
  activation,     ///< gelu, relu, sqrelu, silu, sigmoid, swiglu, geglu, glu
  dropout,        ///< alone or with the residual connection
  softmax,        ///< the softmax of an unfused attention core
  norm,           ///< rmsnorm, layernorm
  rope,           ///< rotary positions
  embedding,      ///< looking up rows of a table, and adding to them
  cross_entropy,  ///< each of its parts
  routing,        ///< choosing experts, and permuting token rows into their order and back
  attention,      ///< a fused attention core that is limited by the bytes of its operands
  optimizer,      ///< one optimizer update
  quantise,       ///< copies in 8 or 4 bits, with the largest magnitudes and transposes that they need
  convolution,    ///< a linear mixer's causal convolution
  scan,           ///< the kernels of a linear mixer's scan
};
inline constexpr std::size_t kMemoryPassCount = 17;

/// Fractions of the datasheet bandwidth that one kind of memory-bound kernel reaches on large tensors.
struct MemoryFraction {
  std::optional<double>
      forward;  ///< none: KernelConstants::memory_efficiency (docs/cost_model.md: of scans less)
  std::optional<double> backward;  ///< none: as forward
  friend bool operator==(const MemoryFraction&, const MemoryFraction&) = default;
};

/// The constants of the model of kernel times. They are fitted to measured kernels, never to step times.
struct KernelConstants {
  Seconds gemm_fixed;                ///< fixed cost of one GEMM
  std::int64_t gemm_k_prologue = 0;  ///< added to k: cost of filling the pipeline of a tile
  double gemm_accumulate = 1.0;      ///< rate of products that add to an fp32 result, over that of others
  double grouped_efficiency = 1.0;   ///< rate of grouped (experts') products, over that of single ones
  std::optional<double> grouped_efficiency_fp8;  ///< the same for 8 bits and fewer; none: the same rate
  Seconds grouped_fixed;                         ///< fixed cost of each expert's product
  /// By FlashVersion; none if it has not been measured.
  std::array<std::optional<FlashAttention>, kFlashVersionCount> attention;
  double memory_efficiency = 0.0;  ///< fraction of the datasheet bandwidth reached by large tensors
  Bytes memory_half_size;          ///< bytes moved at which half of that fraction is reached
  std::array<MemoryFraction, kMemoryPassCount> memory_fraction;  ///< by MemoryPass
  Seconds launch;                                                ///< least time of a dependent kernel
  Seconds graph_launch;                                          ///< the same in a CUDA graph; 0: as launch
  Seconds submit;  ///< host time to launch one kernel; 0: there is no host beside the device
  double communication_share = 0.0;  ///< share of the multiprocessors that a running collective occupies
  double device_spread = 0.0;        ///< standard deviation of speed from device to device, relative
  double spread = 0.0;               ///< relative residual of the fit: half of the error band
};

/// How well the constants reproduce one set of measured kernels (configs/physics). Written by fit_kernels.
struct KernelFit {
  std::string data;          ///< name of the set
  bool fitted = false;       ///< the constants are fitted to this set; else it only validates them
  std::int64_t kernels = 0;  ///< number of kernels in the set
  double mean_error = 0.0;   ///< mean of |predicted/measured − 1|
  double spread = 0.0;       ///< standard deviation of log(predicted/measured)
  friend bool operator==(const KernelFit&, const KernelFit&) = default;
};

}  // namespace foreshard
