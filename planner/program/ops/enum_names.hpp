#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "planner/program/ops/op.hpp"
#include "planner/program/tensors/tensor.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/dtype.hpp"

namespace foreshard {

/// The names of an enumeration's values in the JSON form, in the order of its enumerators.
template <class Enum>
inline constexpr std::array<std::string_view, 0> kNames{};

template <>
inline constexpr auto kNames<GroupKind> = std::to_array<std::string_view>({"tp", "cp", "dp", "dp_cp", "ep",
                                                                           "etp", "expert_dp", "pp", "tied",
                                                                           "world", "dp_shard",
                                                                           "expert_shard", "dp_replicate"});
template <>
inline constexpr auto kNames<Lane> = std::to_array<std::string_view>(
    {"compute", "tp", "cp", "dp", "ep", "expert_dp", "pp_forward", "pp_backward", "tied", "world",
     "dp_replicate", "to_host", "to_device", "cpu", "pp_forward_turned", "pp_backward_turned"});
template <>
inline constexpr auto kNames<DType> = std::to_array<std::string_view>({"fp64", "fp32", "tf32", "bf16", "fp16",
                                                                       "fp8", "fp8_rowwise", "fp8_block",
                                                                       "mxfp8", "nvfp4", "nf4", "int32",
                                                                       "uint8"});
template <>
inline constexpr auto kNames<DimName> = std::to_array<std::string_view>({"tokens", "hidden", "ffn", "qkv",
                                                                         "heads", "query", "key", "vocab",
                                                                         "position", "flat"});
template <>
inline constexpr auto kNames<Lifetime> = std::to_array<std::string_view>({"step", "micro_batch", "layer",
                                                                          "block"});
template <>
inline constexpr auto kNames<TensorRole> = std::to_array<std::string_view>(
    {"weight", "gradient", "optimizer", "activation", "activation_gradient", "buffer", "input"});
template <>
inline constexpr auto kNames<ModelPart> = std::to_array<std::string_view>(
    {"none",     "input", "stream", "embedding", "attention",      "mla",      "indexer",
     "mixer",    "ffn",   "router", "experts",   "shared_experts", "mtp",      "norm",
     "residual", "hyper", "head",   "loss",      "pipeline",       "optimizer"});
template <>
inline constexpr auto kNames<TensorItem> = std::to_array<std::string_view>({"none",
                                                                            "hidden",
                                                                            "ids",
                                                                            "labels",
                                                                            "token_table",
                                                                            "position_table",
                                                                            "embedding_sum",
                                                                            "qkv",
                                                                            "qkv_normed",
                                                                            "kv",
                                                                            "core",
                                                                            "scores",
                                                                            "probabilities",
                                                                            "dropped_probabilities",
                                                                            "sinks",
                                                                            "out",
                                                                            "q_down",
                                                                            "q_up",
                                                                            "kv_down",
                                                                            "kv_up",
                                                                            "k_rope",
                                                                            "attention_norm",
                                                                            "attention_post_norm",
                                                                            "ffn_norm",
                                                                            "ffn_post_norm",
                                                                            "qk_norm",
                                                                            "q_norm",
                                                                            "kv_norm",
                                                                            "final_norm",
                                                                            "mtp_token_norm",
                                                                            "mtp_hidden_norm",
                                                                            "mtp_norm",
                                                                            "mtp_token_projection",
                                                                            "mtp_hidden_projection",
                                                                            "attention_dropout",
                                                                            "ffn_dropout",
                                                                            "mid",
                                                                            "gate_up",
                                                                            "up",
                                                                            "gate_act",
                                                                            "act",
                                                                            "down",
                                                                            "ffn_sum",
                                                                            "router",
                                                                            "router_logits",
                                                                            "routes",
                                                                            "sent",
                                                                            "arrived",
                                                                            "in",
                                                                            "returned",
                                                                            "combined",
                                                                            "output_table",
                                                                            "logits",
                                                                            "wide_logits",
                                                                            "row_max",
                                                                            "exp_sums",
                                                                            "loss",
                                                                            "states",
                                                                            "gradient_norm",
                                                                            "placeholder",
                                                                            "log_probabilities",
                                                                            "label_gradient",
                                                                            "wide_gradient",
                                                                            "probabilities_of_loss",
                                                                            "whole_logits",
                                                                            "iterate",
                                                                            "gram",
                                                                            "gram_square",
                                                                            "q",
                                                                            "k",
                                                                            "v",
                                                                            "gate",
                                                                            "magnitudes",
                                                                            "in_proj",
                                                                            "conv",
                                                                            "scan",
                                                                            "chunks",
                                                                            "decay",
                                                                            "time_step",
                                                                            "skip",
                                                                            "decay_down",
                                                                            "decay_up",
                                                                            "gate_down",
                                                                            "gated",
                                                                            "scan_norm",
                                                                            "index_q",
                                                                            "index_k",
                                                                            "index_weights",
                                                                            "index_q_norm",
                                                                            "index_k_norm",
                                                                            "choice",
                                                                            "k_up",
                                                                            "v_up",
                                                                            "q_absorbed",
                                                                            "o_absorbed",
                                                                            "latent_down",
                                                                            "latent_up",
                                                                            "router_norm",
                                                                            "expert_scale",
                                                                            "shared_post_norm",
                                                                            "routed_norm",
                                                                            "routed_post_norm",
                                                                            "q_normed",
                                                                            "o_down",
                                                                            "compressed_kv",
                                                                            "compressed_gate",
                                                                            "compressed_norm",
                                                                            "attention_streams",
                                                                            "ffn_streams",
                                                                            "head_streams",
                                                                            "mtp_streams",
                                                                            "attention_row",
                                                                            "ffn_row",
                                                                            "head_row",
                                                                            "mtp_row",
                                                                            "token_row"});
template <>
inline constexpr auto kNames<TensorAspect> = std::to_array<std::string_view>(
    {"value",        "output",         "weight",      "bias",      "score_bias", "adapter_a", "adapter_b",
     "adapter_rows", "statistics",     "log_sum_exp", "mask",      "magnitude",  "unscaled",  "adapter_out",
     "scaled",       "adapter_scaled", "merged",      "row_norms", "own_heads",  "all_ranks"});
template <>
inline constexpr auto kNames<Derivation> = std::to_array<std::string_view>({"none",
                                                                            "gradient",
                                                                            "master",
                                                                            "first_moment",
                                                                            "second_moment",
                                                                            "token_shard",
                                                                            "all_tokens",
                                                                            "gathered_again",
                                                                            "recomputed",
                                                                            "recomputed_half",
                                                                            "gathered_shares",
                                                                            "whole_gradient",
                                                                            "scattered_share",
                                                                            "fresh_gradient",
                                                                            "pipeline_slice",
                                                                            "first_scale",
                                                                            "second_scale",
                                                                            "factored_moment",
                                                                            "update",
                                                                            "whole_update",
                                                                            "next_update",
                                                                            "dequantised",
                                                                            "quantised",
                                                                            "quantised_across",
                                                                            "largest",
                                                                            "on_host",
                                                                            "arrived_on_host",
                                                                            "fetched",
                                                                            "sent",
                                                                            "secondary_share",
                                                                            "sent_share",
                                                                            "arrived_shares",
                                                                            "arrived_part"});
template <>
inline constexpr auto kNames<Component> = std::to_array<std::string_view>(
    {"embedding", "norm", "attention", "attention_core", "mixer", "scan", "ffn", "residual", "router",
     "experts", "head", "loss", "pipeline", "gradient_sync", "optimizer"});
template <>
inline constexpr auto kNames<Phase> = std::to_array<std::string_view>({"forward", "recompute",
                                                                       "backward_input", "backward_weight",
                                                                       "optimizer"});
template <>
inline constexpr auto kNames<PointwiseKind> = std::to_array<std::string_view>(
    {"add",       "dropout",       "dropout_add",    "softmax",      "gelu",         "relu",
     "sqrelu",    "silu",          "sigmoid",        "swiglu",       "geglu",        "glu",
     "multiply",  "bias_gradient", "zero",           "sum_squares",  "cast",         "accumulate",
     "normalise", "relayout",      "quantise",       "amax",         "transpose",    "unit_rows",
     "pool",      "repeat",        "mixing_weights", "read_streams", "write_streams"});
template <>
inline constexpr auto kNames<KeyLayout> = std::to_array<std::string_view>({"by_part", "by_head", "latent"});
template <>
inline constexpr auto kNames<ScanForm> = std::to_array<std::string_view>({"ssd", "gated_delta",
                                                                          "kimi_delta"});
template <>
inline constexpr auto kNames<NormKind> = std::to_array<std::string_view>({"rmsnorm", "layernorm"});
template <>
inline constexpr auto kNames<CrossEntropyPart> = std::to_array<std::string_view>({"row_max", "exp_sum",
                                                                                  "loss"});
template <>
inline constexpr auto kNames<CollectiveKind> =
    std::to_array<std::string_view>({"all_reduce", "all_gather", "reduce_scatter", "all_to_all"});
template <>
inline constexpr auto kNames<Reduction> = std::to_array<std::string_view>({"sum", "max"});
template <>
inline constexpr auto kNames<Peer> = std::to_array<std::string_view>({"previous_stage", "next_stage"});
template <>
inline constexpr auto kNames<HostWay> = std::to_array<std::string_view>({"to_host", "to_device"});
template <>
inline constexpr auto kNames<OptimizerKind> =
    std::to_array<std::string_view>({"adamw", "adam", "sgd", "adamw_8bit", "adafactor", "lion", "muon"});

static_assert(kNames<GroupKind>.size() == kGroupKindCount);
static_assert(kNames<Lane>.size() == kLaneCount);
static_assert(kNames<DType>.size() == kDTypeCount);
static_assert(kNames<ModelPart>.size() == kModelPartCount);
static_assert(kNames<TensorItem>.size() == kTensorItemCount);
static_assert(kNames<TensorAspect>.size() == kTensorAspectCount);
static_assert(kNames<Derivation>.size() == kDerivationCount);
static_assert(kNames<Component>.size() == kComponentCount);
static_assert(kNames<Phase>.size() == kPhaseCount);

/// An enumeration whose values have names.
template <class Enum>
concept NamedEnum = kNames<Enum>
.size() > 0;

template <NamedEnum Enum>
constexpr std::string_view name_of(Enum value) {
  return kNames<Enum>[static_cast<std::size_t>(value)];
}

/// The value of this name, if there is one.
template <NamedEnum Enum>
constexpr std::optional<Enum> value_named(std::string_view name) {
  for (std::size_t i = 0; i < kNames<Enum>.size(); ++i) {
    if (kNames<Enum>[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace foreshard
