#include "planner/spec/types/layer_kind.hpp"

#include "planner/units/overloaded.hpp"

namespace foreshard {

std::optional<std::int64_t> window_of(const Mixer& mixer) {
  if (const auto* attention = std::get_if<SoftmaxAttention>(&mixer)) return attention->window;
  if (const auto* latent = std::get_if<LatentAttention>(&mixer)) return latent->window;
  if (const auto* compressed = std::get_if<CompressedAttention>(&mixer)) return compressed->window;
  return std::nullopt;
}

std::optional<std::int64_t> chunk_of(const Mixer& mixer) {
  if (const auto* attention = std::get_if<SoftmaxAttention>(&mixer)) return attention->options.chunk;
  return std::nullopt;
}

std::optional<Indexer> indexer_of(const Mixer& mixer) {
  if (const auto* attention = std::get_if<SoftmaxAttention>(&mixer)) return attention->options.indexer;
  if (const auto* latent = std::get_if<LatentAttention>(&mixer)) return latent->indexer;
  if (const auto* compressed = std::get_if<CompressedAttention>(&mixer)) return compressed->indexer;
  return std::nullopt;
}

Mixer without_window(Mixer mixer) {
  if (auto* attention = std::get_if<SoftmaxAttention>(&mixer)) {
    attention->window = std::nullopt;
    attention->options.chunk = std::nullopt;
  }
  if (auto* latent = std::get_if<LatentAttention>(&mixer)) latent->window = std::nullopt;
  if (auto* compressed = std::get_if<CompressedAttention>(&mixer)) compressed->window = std::nullopt;
  return mixer;
}

MixerKind mixer_kind(const Mixer& mixer) {
  if (indexer_of(mixer)) return MixerKind::sparse_attention;
  return std::visit(overloaded{[](const SoftmaxAttention&) { return MixerKind::attention; },
                               [](const LatentAttention&) { return MixerKind::mla; },
                               [](const CompressedAttention& compressed) {
                                 return compressed.compression > 0 ? MixerKind::sparse_attention
                                                                   : MixerKind::attention;
                               },
                               [](const Mamba2&) { return MixerKind::mamba2; },
                               [](const GatedDeltaNet&) { return MixerKind::gated_delta_net; },
                               [](const KimiDelta&) { return MixerKind::kimi_delta; },
                               [](const NoMixer&) { return MixerKind::none; }},
                    mixer);
}

}  // namespace foreshard
