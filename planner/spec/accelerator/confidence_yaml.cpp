#include "planner/spec/accelerator/confidence_yaml.hpp"

#include <algorithm>
#include <array>

#include "planner/spec/types/names.hpp"

namespace foreshard {

namespace {

constexpr auto kConfidenceKeys = std::to_array<KeyInfo>({
    {"peaks",
     "rates and sizes of the datasheet: measured-sustained, measured-burst, published, announced, derived or "
     "assumed"},
    {"products", "matrix products: efficiencies and fixed costs"},
    {"experts", "grouped products of experts"},
    {"attention", "fused attention"},
    {"passes", "kernels that memory limits"},
    {"collectives", "the links' efficiency and latency, NCCL's constants"},
    {"price", "published: a provider's list price"},
    {"power", "published: the maker's datasheet"},
});

}  // namespace

KeyTable confidence_keys() { return kConfidenceKeys; }

Confidences read_confidence(const MapReader& accelerator) {
  Confidences confidence{};
  const std::optional<MapReader> map = accelerator.child("confidence", kConfidenceKeys);
  if (!map) return confidence;
  for (const Named<ConstantGroup>& named : kWords<ConstantGroup>)
    confidence[static_cast<std::size_t>(named.value)] = map->maybe(named.word, Choice<Confidence>{});
  return confidence;
}

void write_confidence(const Confidences& confidence, MapWriter& writer) {
  const auto is_said = [](const std::optional<Confidence>& group) { return group.has_value(); };
  if (std::none_of(confidence.begin(), confidence.end(), is_said)) return;
  writer.begin("confidence");
  for (const Named<ConstantGroup>& named : kWords<ConstantGroup>) {
    const std::optional<Confidence>& group = confidence[static_cast<std::size_t>(named.value)];
    if (group) writer.plain(named.word, word_of(*group));
  }
  writer.end();
}

}  // namespace foreshard
