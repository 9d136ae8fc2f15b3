#pragma once

#include <cstdint>
#include <variant>
#include <vector>

namespace foreshard {

/// What backward computes again instead of keeping it. `modules` stands for a list of modules
/// (RecomputeSpec::modules); it has no word of its own in a job file.
enum class Recompute : std::uint8_t { none, selective, selective_ops, full, modules };

/// A part of a layer that can be recomputed by itself, as Megatron-LM names them (--recompute-modules).
enum class RecomputeModule : std::uint8_t {
  core_attn,       ///< scores, softmax and values, or the flash kernel
  mla_up_proj,     ///< latent attention: norms of the latents, up projections, rope of the queries
  layernorm,       ///< the norms before attention and FFN
  mlp,             ///< the FFN of a layer without experts
  moe,             ///< router, dispatch, experts, combine and shared experts
  moe_act,         ///< the activation function of the routed experts
  shared_experts,  ///< the experts that process every token
};

/// True if the module's outputs are dropped too, and made again before backward reads them. If false, the
/// module is a checkpoint: its outputs stay, only what backward reads inside it is made again.
/// Source: NVIDIA/Megatron-LM megatron/core/transformer/transformer_config.py, recompute_modules.
constexpr bool drops_outputs(RecomputeModule which) {
  return which == RecomputeModule::mla_up_proj || which == RecomputeModule::layernorm ||
         which == RecomputeModule::moe_act;
}

// ---- The layers that are recomputed; the others keep everything.

struct AllLayers {
  friend constexpr bool operator==(const AllLayers&, const AllLayers&) = default;
};
/// The first `count` layers of every model chunk of every stage: Megatron-LM's --recompute-method block.
struct FirstLayers {
  std::int64_t count = 0;
  friend constexpr bool operator==(const FirstLayers&, const FirstLayers&) = default;
};
/// This share of the model's layers, spread evenly: layer i of 1 … L if i · share passes 1/2, 3/2, 5/2, …
/// Source: foundation-model-stack/fms-fsdp fms_fsdp/policies/ac_handler.py.
struct ShareOfLayers {
  double share = 1.0;
  friend constexpr bool operator==(const ShareOfLayers&, const ShareOfLayers&) = default;
};
/// Every n-th layer of a stage: layers n, 2n, … Source: torchtitan's selective_ac_option with a number.
struct EveryNthLayer {
  std::int64_t n = 1;
  friend constexpr bool operator==(const EveryNthLayer&, const EveryNthLayer&) = default;
};
/// The first layers of each stage (one count per stage, for each of its chunks) or of each chunk (one count
/// per chunk, in model order).
struct ListedLayers {
  std::vector<std::int64_t> counts;
  friend bool operator==(const ListedLayers&, const ListedLayers&) = default;
};
using RecomputeLayers = std::variant<AllLayers, FirstLayers, ShareOfLayers, EveryNthLayer, ListedLayers>;

}  // namespace foreshard
