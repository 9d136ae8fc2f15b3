#pragma once

#include <cstdint>

namespace foreshard {

enum class OptimizerKind : std::uint8_t { adamw, adam, sgd, adamw_8bit, adafactor, lion, muon };

/// What the optimizer keeps of the weights beside their 16-bit values.
///   fp32             fp32 masters: separate, or, as in PyTorch's FSDP, the sharded weights themselves
///   fp32_remainder   the 16 bits of the fp32 master that the bf16 weight lacks (Megatron-LM's
///                    precision-aware optimizer, Transformer Engine's store_param_remainders)
///   none             nothing: the 16-bit weights are updated as they are
///   bf16_stochastic  nothing: the bf16 weights are updated with stochastic rounding
enum class MasterWeights : std::uint8_t { fp32, fp32_remainder, none, bf16_stochastic };

/// How moments are kept. int8: one byte each and an fp32 scale per block of 256 (bitsandbytes, torchao).
/// factored: of the second moment its row and column means, no first moment (Adafactor).
enum class MomentType : std::uint8_t { fp32, bf16, fp16, fp8, int8, factored };

/// The state that the optimizer keeps between steps.
struct StatesSpec {
  MasterWeights master = MasterWeights::fp32;
  MomentType moments = MomentType::fp32;
  /// States lie in the host's memory and are paged in for each update, which the device runs (bitsandbytes' paged
  /// optimizers, by CUDA's unified memory).
  bool paged = false;
};

/// True where fp32 values of the weights exist.
constexpr bool has_fp32_weights(MasterWeights master) {
  return master == MasterWeights::fp32 || master == MasterWeights::fp32_remainder;
}

}  // namespace foreshard
