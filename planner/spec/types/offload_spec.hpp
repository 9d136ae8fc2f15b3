#pragma once

namespace foreshard {

/// The shares of what a device would hold that lie in the host's memory, each from 0 to 1.
///   optimizer    master weights and moments, which the host's CPU updates (DeepSpeed's offload_optimizer with its
///                `ratio`, Megatron-LM's --optimizer-cpu-offload with its fraction, PyTorch's CPUOffloadPolicy)
///   weights      weights that ZeRO-3 gathers for each use (DeepSpeed's offload_param, CPUOffloadPolicy)
///   activations  what a layer keeps for backward (TransformerEngine's cpu_offload, torchtune's activation
///                offloading, DeepSpeed's cpu_checkpointing)
/// Of weights and activations, whole tensors in the order of their use, as many as the share holds.
struct OffloadSpec {
  double optimizer = 0.0;
  double weights = 0.0;
  double activations = 0.0;
  [[nodiscard]] bool any() const { return optimizer > 0.0 || weights > 0.0 || activations > 0.0; }
  friend bool operator==(const OffloadSpec&, const OffloadSpec&) = default;
};

}  // namespace foreshard
