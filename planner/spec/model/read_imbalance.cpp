#include "planner/spec/model/read_imbalance.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "planner/spec/types/layer_pattern.hpp"

namespace foreshard {

namespace {

constexpr auto kImbalanceKeys = std::to_array<KeyInfo>({
    {"spread", "relative standard deviation of the experts' loads"},
    {"experts", "load of each expert, in any unit"},
    {"ranks",
     "load of each rank of an expert-parallel group, in any unit; the experts of a rank share it evenly"},
});

/// The kinds of a model's layers, one by one, before their loads are told apart.
std::vector<LayerKind> kinds_by_layer(const ModelSpec& model) {
  const LayerPattern pattern = layer_pattern(model, std::numeric_limits<std::int64_t>::max());
  std::vector<LayerKind> kinds;
  for (std::int64_t layer = 0; layer < model.layers; ++layer) kinds.push_back(pattern.kind(layer));
  return kinds;
}

/// Gives the model a kind for each load.
void split_kinds(ModelSpec& model, std::vector<LayerKind> layers, const std::vector<double>& loads) {
  // Modules of multi-token prediction name kinds by their places: those that there are keep them.
  std::vector<LayerKind>& kinds = model.layer_kinds;
  std::size_t next_load = 0;
  std::size_t split = 0;
  model.pattern.clear();
  for (LayerKind& layer : layers) {
    if (layer.ffn == FeedForward::experts) layer.expert_load = loads[next_load++] / model.experts->imbalance;
    const auto found = std::find_if(kinds.begin(), kinds.end(),
                                    [&](const LayerKind& known) { return known.does_the_same_as(layer); });
    model.pattern.push_back(static_cast<std::size_t>(found - kinds.begin()));
    if (found != kinds.end()) continue;
    if (layer.ffn == FeedForward::experts) layer.name = fmt::format("{}-{}", layer.name, ++split);
    kinds.push_back(std::move(layer));
  }
  model.experts->dense_layers = 0;  // the pattern says which layers have experts
}

/// The loads of experts, if those of ranks are shared evenly by their experts.
std::vector<double> loads_of_ranks(const std::vector<double>& ranks, std::int64_t experts) {
  const std::size_t per_rank = static_cast<std::size_t>(experts) / ranks.size();
  std::vector<double> loads;
  for (const double load : ranks) loads.insert(loads.end(), per_rank, load / static_cast<double>(per_rank));
  return loads;
}

}  // namespace

KeyTable imbalance_keys() { return kImbalanceKeys; }

void read_imbalance_by_expert(const MapReader& experts, ExpertsSpec& spec) {
  const std::optional<MapReader> map = experts.child("imbalance", kImbalanceKeys);
  if (!map) return;
  if (map->has("spread") + map->has("experts") + map->has("ranks") != 1) {
    experts.complain("imbalance", "says how experts differ in several ways, or in none",
                     "spread, or experts with a load for each, or ranks with a load for each");
    return;
  }
  spec.load_spread = map->optional("spread", RealNumber{0.0, 10.0}, 0.0);
  if (map->has("spread")) return;
  const char* const key = map->has("ranks") ? "ranks" : "experts";
  const std::size_t before = map->complaints().size();
  std::vector<double> loads = map->list(key, RealNumber{0.0, 1e12});
  if (map->complaints().size() != before) return;
  if (map->has("ranks")) {
    const auto ranks = static_cast<std::int64_t>(loads.size());
    if (ranks == 0 || spec.count % ranks != 0) {
      map->complain(
          key, fmt::format("{} loads, and {} experts do not divide among so many ranks", ranks, spec.count),
          "one number for each rank of an expert-parallel group");
      return;
    }
    loads = loads_of_ranks(loads, spec.count);
  }
  if (static_cast<std::int64_t>(loads.size()) != spec.count) {
    map->complain("experts", fmt::format("{} loads of {} experts", loads.size(), spec.count),
                  fmt::format("{} numbers", spec.count));
    return;
  }
  if (std::accumulate(loads.begin(), loads.end(), 0.0) <= 0.0) {
    map->complain(key, "no expert has a load", "numbers of which one is above 0");
    return;
  }
  spec.loads = std::move(loads);
}

void read_imbalance_by_layer(const MapReader& experts, ModelSpec& model) {
  const std::size_t before = experts.complaints().size();
  const std::vector<double> loads = experts.list("imbalance", RealNumber{1.0, 1e6});
  if (experts.complaints().size() != before) return;
  std::vector<LayerKind> layers = kinds_by_layer(model);
  const auto with_experts = std::count_if(
      layers.begin(), layers.end(), [](const LayerKind& kind) { return kind.ffn == FeedForward::experts; });
  if (static_cast<std::ptrdiff_t>(loads.size()) != with_experts) {
    experts.complain("imbalance",
                     fmt::format("{} numbers for {} layers with experts", loads.size(), with_experts),
                     "one number for all, or one for each layer with experts");
    return;
  }
  model.experts->imbalance =
      std::accumulate(loads.begin(), loads.end(), 0.0) / static_cast<double>(loads.size());
  const bool differ =
      std::any_of(loads.begin(), loads.end(), [&](double load) { return load != loads.front(); });
  if (differ) split_kinds(model, std::move(layers), loads);
}

}  // namespace foreshard
