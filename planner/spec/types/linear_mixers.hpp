#pragma once

#include <cstdint>

namespace foreshard {

/// Mamba-2 (Dao and Gu 2024, arXiv:2405.21060), as mamba_ssm, Megatron-LM and Nemotron-H have it. With
/// I = heads·head_dim: one product gives z (I), x (I), B and C (groups·state_dim each) and dt (heads); a causal
/// convolution over x, B and C; the state-space scan with A_log, D and dt_bias per head; an RMSNorm of each group
/// after the gate silu(z); the output product.
struct Mamba2 {
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t groups = 1;  ///< heads of one group share B and C
  std::int64_t state_dim = 0;
  std::int64_t conv_kernel = 4;  ///< tokens that the convolution sees
  std::int64_t chunk = 128;      ///< tokens that the scan processes at once
  bool conv_bias = true;
  bool projection_bias = false;  ///< biases of the input and output products
  [[nodiscard]] std::int64_t inner() const { return heads * head_dim; }
  friend constexpr bool operator==(const Mamba2&, const Mamba2&) = default;
};

/// Gated delta net (Yang et al. 2024, arXiv:2412.06464), as Qwen3-Next has it. One product gives q and k
/// (key_heads·key_head_dim each), v and z (value_heads·value_head_dim each), and beta and the decay (value_heads
/// each); a causal convolution over q, k and v; the delta rule with A_log and dt_bias per value head; an RMSNorm
/// of each value head, gated by silu(z); the output product.
struct GatedDeltaNet {
  std::int64_t key_heads = 0;
  std::int64_t value_heads = 0;
  std::int64_t key_head_dim = 0;
  std::int64_t value_head_dim = 0;
  std::int64_t conv_kernel = 4;
  std::int64_t chunk = 64;
  friend constexpr bool operator==(const GatedDeltaNet&, const GatedDeltaNet&) = default;
};

/// Kimi delta attention (Kimi Linear, arXiv:2510.26692): a delta rule whose decay has an element for each key
/// channel. Products for q, k, v (heads·head_dim each) and beta (heads); a causal convolution over q, k and v; the
/// decay from a product of rank decay_rank, with A_log per head and dt_bias per channel; an RMSNorm of each head,
/// gated by the sigmoid of a product of rank gate_rank; the output product.
struct KimiDelta {
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t conv_kernel = 4;
  std::int64_t chunk = 64;
  std::int64_t decay_rank = 0;
  std::int64_t gate_rank = 0;  ///< 0: the gate's product has full rank
  bool gate_bias = false;      ///< the gate's last product has a bias
  friend constexpr bool operator==(const KimiDelta&, const KimiDelta&) = default;
};

}  // namespace foreshard
