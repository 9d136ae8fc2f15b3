#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace foreshard {

/// What has low-rank adapters. `attention` and `ffn` are all projections of these parts, with one adapter for
/// the fused query, key and value and one for the fused gate and up. The others are single projections, each
/// with an adapter of its own, as PEFT has them; gate, up and down are those of dense layers and of experts
/// that process every token, `experts` those of all projections of routed experts.
enum class LoraTarget : std::uint8_t { attention, ffn, q, k, v, o, gate, up, down, experts, head };

/// In which type the frozen matrices of the layers are kept. Products need them in 16 bits: a pass makes
/// these before each use. Tables, the head, the router and norms stay in 16 bits.
enum class LoraBase : std::uint8_t { bf16, nf4, int8, fp8 };

/// Low-rank adapters in addition to frozen weights (Hu et al. 2021, arXiv:2106.09685): y = x·Wᵀ + (x·Aᵀ)·Bᵀ;
/// with quantised weights QLoRA (Dettmers et al. 2023, arXiv:2305.14314).
struct LoraSpec {
  std::int64_t rank = 0;
  bool attention = false;             ///< adapters on the attention projections
  bool ffn = false;                   ///< adapters on the FFN projections
  std::vector<LoraTarget> modules{};  ///< single projections that have adapters
  LoraBase base = LoraBase::bf16;
  bool dropout = false;  ///< an adapter's input goes through dropout, in a pass of its own
  /// The products of adapters scale their results and add them to the base's, instead of passes of their own.
  bool fused = false;
  /// Adapters change the direction of a weight's rows, and a trained number for each row its magnitude: y = m/‖W +
  /// BA‖ ∘ (x·Wᵀ + (x·Aᵀ)·Bᵀ) (DoRA, Liu et al. 2024, arXiv:2402.09353).
  bool dora = false;

  [[nodiscard]] bool has(LoraTarget target) const {
    if (target == LoraTarget::attention) return attention;
    if (target == LoraTarget::ffn) return ffn;
    return std::find(modules.begin(), modules.end(), target) != modules.end();
  }
};

}  // namespace foreshard
