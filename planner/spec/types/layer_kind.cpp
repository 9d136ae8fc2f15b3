#include "planner/spec/types/layer_kind.hpp"

namespace foreshard {

std::optional<std::int64_t> window_of(const Mixer& mixer) {
  if (const auto* attention = std::get_if<SoftmaxAttention>(&mixer)) return attention->window;
  if (const auto* latent = std::get_if<LatentAttention>(&mixer)) return latent->window;
  return std::nullopt;
}

Mixer without_window(Mixer mixer) {
  if (auto* attention = std::get_if<SoftmaxAttention>(&mixer)) attention->window = std::nullopt;
  if (auto* latent = std::get_if<LatentAttention>(&mixer)) latent->window = std::nullopt;
  return mixer;
}

}  // namespace foreshard
