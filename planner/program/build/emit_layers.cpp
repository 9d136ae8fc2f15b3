#include "planner/program/build/emit_layers.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "planner/program/backward/derive_backward.hpp"
#include "planner/program/block_names.hpp"
#include "planner/program/build/emit_update.hpp"
#include "planner/program/emit/emit_forward.hpp"
#include "planner/program/passes/accumulation.hpp"
#include "planner/program/passes/chunked_loss.hpp"
#include "planner/program/passes/delay_wgrad.hpp"
#include "planner/program/passes/dispatch_precision.hpp"
#include "planner/program/passes/fp8_inputs.hpp"
#include "planner/program/passes/offload.hpp"
#include "planner/program/passes/quantise.hpp"
#include "planner/program/passes/recompute.hpp"
#include "planner/program/passes/sequence_parallel.hpp"
#include "planner/program/passes/split_backward.hpp"
#include "planner/program/passes/zero.hpp"
#include "planner/program/schedule/schedule.hpp"

namespace foreshard {

namespace {

/// The prefix of the optimizer's tensor names for a layer with this feed-forward network.
std::string optimizer_prefix(FeedForward ffn) {
  switch (ffn) {
    case FeedForward::dense: return "layer";
    case FeedForward::experts: return "moe";
    case FeedForward::none: return "mixer";
  }
  return "layer";
}

}  // namespace

PassBlocks finish_passes(ProgramBuilder& builder, Block forward,
                         const std::vector<const WeightGroup*>& groups, bool recomputed) {
  const JobSpec& job = builder.job();
  if (job.parallelism.sequence_parallel && job.parallelism.tp > 1) apply_sequence_parallel(builder, forward);
  Block backward = derive_backward(builder, forward);
  chunk_loss(builder, forward, backward);
  if (builder.conventions().regather_sequence) gather_again(builder, forward, backward, GroupKind::tp);
  gather_again(builder, forward, backward, GroupKind::cp);
  // Layers that are kept in bf16 have no products of 8 or 4 bits, and their attention is in bf16, too.
  const bool is_wide = !is_scaled(builder.shapes().layer_math);
  const std::optional<QuantiserRules> rules = is_wide ? std::nullopt : quantiser_rules(job);
  if (rules) quantise_activations(builder, *rules, forward, backward);
  if (job.training.dispatch_precision == DispatchPrecision::fp8) narrow_dispatch(builder, forward, backward);
  if (is_layer(forward.kind) && recomputed) apply_recompute(builder, forward, backward);
  if (rules) drop_unread_copies(forward, backward, builder);
  if (is_layer(forward.kind)) keep_inputs_in_fp8(builder, forward, backward);
  if (is_layer(forward.kind)) offload_activations(builder, forward, backward);
  for (const WeightGroup* group : groups) {
    apply_zero(builder, *group, forward, backward);
    offload_weights(builder, *group, forward, backward);
    offload_gradients(builder, *group, backward);
    free_gradients(builder, *group, backward);
  }
  if (rules) quantise_weights(builder, *rules, forward, backward);
  if (!builder.conventions().fused_accumulation) separate_accumulation(builder, backward);
  if (builder.conventions().gradient_placeholders) add_placeholders(builder, backward);
  if (job.training.delay_wgrad) delay_weight_gradients(backward);
  mark_saved(builder, forward, backward);
  std::optional<Block> weight;
  if (splits_backward(job.training.schedule)) weight = split_backward(builder, backward);
  PassBlocks blocks;
  blocks.forward = builder.add(std::move(forward));
  blocks.backward = builder.add(std::move(backward));
  if (weight) blocks.weight = builder.add(*std::move(weight));
  return blocks;
}

std::vector<const WeightGroup*> LayerWeights::groups() const {
  if (kind.ffn == FeedForward::experts) return {&group, &experts};
  return {&group};
}

LayerBlocks::LayerBlocks(const JobSpec& job)
    : pattern_(layer_pattern(job.model, job.training.sequence_length)), wide_(pattern_.kinds.size(), false) {
  split_wide_layers(job);
  for (std::size_t k = 0; k < pattern_.kinds.size(); ++k)
    weights_of_kind_.push_back(&weights_for(pattern_.kinds[k], wide_[k]));
}

void LayerBlocks::split_wide_layers(const JobSpec& job) {
  const LowPrecisionSpec& low = job.training.low_precision;
  const auto layers = static_cast<std::int64_t>(pattern_.kind_of.size());
  std::map<std::size_t, std::size_t> wide_kinds;  // by the kind from which they are split
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    if (layer >= low.bf16_first && layer < layers - low.bf16_last) continue;
    std::size_t& kind = pattern_.kind_of[static_cast<std::size_t>(layer)];
    const auto [found, is_new] = wide_kinds.try_emplace(kind, pattern_.kinds.size());
    if (is_new) {
      LayerKind wide = pattern_.kinds[kind];
      wide.name = (wide.name.empty() ? "" : wide.name + " ") + "in bf16";
      pattern_.kinds.push_back(std::move(wide));
      pattern_.layers_of_kind.push_back(0);
      wide_.push_back(true);
    }
    --pattern_.layers_of_kind[kind];
    kind = found->second;
    ++pattern_.layers_of_kind[kind];
  }
}

std::size_t LayerBlocks::kind_index(LayerId layer) const {
  if (layer.at() < pattern_.kind_of.size()) return pattern_.kind_of[layer.at()];
  // A module's entry comes before its layers and has the number of a layer, too.
  const std::size_t in_module = (layer.at() - pattern_.kind_of.size()) % (pattern_.mtp_kinds.size() + 1);
  return pattern_.mtp_kinds.at(in_module - 1);
}

/// The weights of this kind; new ones if no earlier kind has the same.
LayerWeights& LayerBlocks::weights_for(const LayerKind& kind, bool wide) {
  const auto found = std::find_if(weights_.begin(), weights_.end(), [&](const LayerWeights& known) {
    return known.kind.has_weights_of(kind) && known.wide == wide;
  });
  if (found != weights_.end()) return *found;
  // A name for each kind, where layers with this feed-forward network differ in other weights.
  bool is_only_one = true;
  for (std::size_t k = 0; k < pattern_.kinds.size(); ++k) {
    const LayerKind& other = pattern_.kinds[k];
    const bool has_these = other.has_weights_of(kind) && wide_[k] == wide;
    is_only_one &= other.ffn != kind.ffn || has_these;
  }
  const std::string suffix = is_only_one ? "" : "(" + kind.name + ")";
  const std::string name = std::string(to_string(block_kind(kind.ffn))) + suffix;
  return weights_.emplace_back(LayerWeights{
      .name = name,
      .kind = kind,
      .wide = wide,
      .group = {.prefix = optimizer_prefix(kind.ffn) + suffix, .block = name},
      .experts = {
          .prefix = "experts" + suffix, .block = "experts" + suffix, .replicas = GroupKind::expert_dp}});
}

/// The name of the weights; if several kinds share them, the name of the kind.
std::string LayerBlocks::block_name(std::size_t kind) const {
  const LayerWeights* weights = weights_of_kind_[kind];
  const bool is_shared = std::count(weights_of_kind_.begin(), weights_of_kind_.end(), weights) > 1;
  const std::string kind_of_block(to_string(block_kind(weights->kind.ffn)));
  return is_shared ? kind_of_block + "(" + pattern_.kinds[kind].name + ")" : weights->name;
}

namespace {

/// True if the kind's mixer is the first of the pattern's, and its dense FFN as wide as the first: its tensors have
/// plain names.
bool has_first_sizes(const LayerKind& kind, const LayerPattern& pattern) {
  const auto first_mixer = std::find_if(pattern.kinds.begin(), pattern.kinds.end(), has_mixer);
  const auto first_dense =
      std::find_if(pattern.kinds.begin(), pattern.kinds.end(),
                   [](const LayerKind& other) { return other.ffn == FeedForward::dense; });
  const bool is_other_mixer =
      has_mixer(kind) && without_window(first_mixer->mixer) != without_window(kind.mixer);
  const bool is_other_width = kind.ffn == FeedForward::dense && first_dense->ffn_hidden != kind.ffn_hidden;
  return !is_other_mixer && !is_other_width;
}

}  // namespace

/// The scope of a kind's tensors. Tensors of another mixer, or of a dense FFN of another width, have other sizes and
/// need names of their own: the name of the first kind that has them. So do those of layers in bf16, of which
/// backward reads others.
std::string LayerBlocks::scope_of(std::size_t index) const {
  const LayerKind& kind = pattern_.kinds[index];
  if (wide_[index]) return kind.name;
  if (has_first_sizes(kind, pattern_)) return {};
  const auto same = std::find_if(pattern_.kinds.begin(), pattern_.kinds.end(), [&](const LayerKind& other) {
    return without_window(other.mixer) == without_window(kind.mixer) && other.ffn_hidden == kind.ffn_hidden &&
           !has_first_sizes(other, pattern_);
  });
  return same->name;
}

PassBlocks LayerBlocks::emit_kind(ProgramBuilder& builder, std::size_t k, bool recomputed) {
  constexpr const char* kKept = "kept";
  const LayerKind& kind = pattern_.kinds[k];
  LayerWeights& weights = weights_for(kind, wide_[k]);
  // Kinds that differ only in the load of their experts share weights, but not the sizes of activations.
  std::string variant = recomputed ? "" : kKept;
  if (kind.expert_load != 1.0) variant += (variant.empty() ? "" : " ") + kind.name;
  builder.begin_layer_kind(LayerKindId(k), kind, scope_of(k), std::move(variant));
  if (wide_[k]) builder.keep_products_wide();
  const std::string name = block_name(k) + (recomputed ? "" : "(" + std::string(kKept) + ")");
  Block forward = emit_layer(builder, name, weights.group, weights.experts);
  const PassBlocks passes = finish_passes(builder, std::move(forward), weights.groups(), recomputed);
  builder.end_layer_kind();
  return passes;
}

void LayerBlocks::emit(ProgramBuilder& builder) {
  for (std::size_t k = 0; k < pattern_.kinds.size(); ++k) passes_.push_back(emit_kind(builder, k, true));
}

void LayerBlocks::emit_kept(ProgramBuilder& builder, std::vector<bool> recomputed) {
  kept_passes_.resize(pattern_.kinds.size());
  for (std::size_t layer = 0; layer < recomputed.size(); ++layer) {
    std::optional<PassBlocks>& passes = kept_passes_[pattern_.kind_of[layer]];
    if (!recomputed[layer] && !passes) passes = emit_kind(builder, pattern_.kind_of[layer], false);
  }
  recomputed_ = std::move(recomputed);
}

}  // namespace foreshard
