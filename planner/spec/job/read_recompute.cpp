#include "planner/spec/job/read_recompute.hpp"

#include <algorithm>
#include <array>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/types/names.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {

namespace {

constexpr std::int64_t kMostLayers = 100'000;

constexpr auto kLayersKeys = std::to_array<KeyInfo>({
    {"every", "every how many-th layer of a stage is recomputed"},
    {"first", "how many layers at the beginning of each stage and chunk are recomputed"},
    {"share", "which share of the layers is recomputed, spread evenly"},
});

/// The word for a whole layer or nothing. Its complaint also says that modules can be listed.
struct RecomputeWord {
  using type = Recompute;
  [[nodiscard]] Outcome<type> read(const YamlNode& node) const {
    Outcome<type> outcome = Choice<Recompute>{}.read(node);
    auto* complaint = std::get_if<ParseComplaint>(&outcome);
    if (complaint == nullptr) return outcome;
    if (value_of<RecomputeModule>(node.text)) {
      complaint->message = fmt::format("{} is a module: modules are listed", quote(node.text));
      complaint->allowed = fmt::format("write [{}]", node.text);
    } else {
      complaint->allowed += ", or a list of modules as in [mla_up_proj, moe_act]";
    }
    return outcome;
  }
};

void read_modules(const MapReader& training, TrainingSpec& spec) {
  spec.recompute = Recompute::modules;
  const std::size_t before = training.complaints().size();
  std::vector<RecomputeModule> modules = training.list("recompute", Choice<RecomputeModule>{});
  if (training.complaints().size() != before) return;
  std::sort(modules.begin(), modules.end());
  if (std::adjacent_find(modules.begin(), modules.end()) != modules.end())
    training.complain("recompute", "a module is listed twice");
  // Megatron-LM calls the recomputation of the attention core alone "selective".
  if (modules == std::vector{RecomputeModule::core_attn}) {
    spec.recompute = Recompute::selective;
  } else {
    spec.recompute_modules = std::move(modules);
  }
}

RecomputeLayers read_layers_map(const MapReader& training) {
  const std::optional<MapReader> map = training.child("recompute_layers", kLayersKeys);
  if (!map) return AllLayers{};
  const WholeNumber count{1, kMostLayers};
  const auto every = map->maybe("every", count);
  const auto first = map->maybe("first", count);
  const auto share = map->maybe("share", Fraction{});
  if (map->has("every") + map->has("first") + map->has("share") != 1)
    training.complain("recompute_layers", "which layers is not said in one way",
                      "one of every, first and share is needed");
  if (every) return EveryNthLayer{*every};
  if (first) return FirstLayers{*first};
  if (share) return ShareOfLayers{*share};
  return AllLayers{};
}

RecomputeLayers read_layers(const MapReader& training) {
  constexpr std::string_view kKey = "recompute_layers";
  const NodePtr node = training.value(kKey);
  if (node == nullptr) return AllLayers{};
  if (node->kind == YamlNode::Kind::list)
    return ListedLayers{training.list(kKey, WholeNumber{0, kMostLayers})};
  if (node->kind == YamlNode::Kind::map) return read_layers_map(training);
  if (node->text.find('.') != std::string::npos)
    return ShareOfLayers{training.optional(kKey, Fraction{}, 1.0)};
  return FirstLayers{training.optional(kKey, WholeNumber{1, kMostLayers}, 1)};
}

}  // namespace

KeyTable recompute_layers_keys() { return kLayersKeys; }

void read_recompute(const MapReader& training, TrainingSpec& spec) {
  const NodePtr node = training.value("recompute");
  if (node != nullptr && node->kind == YamlNode::Kind::list) {
    read_modules(training, spec);
  } else {
    spec.recompute = training.optional("recompute", RecomputeWord{}, spec.recompute);
  }
  spec.recompute_layers = read_layers(training);
}

std::string recompute_text(const TrainingSpec& training) {
  if (training.recompute != Recompute::modules) return std::string(word_of(training.recompute));
  std::vector<std::string_view> words;
  for (const RecomputeModule module : training.recompute_modules) words.push_back(word_of(module));
  return fmt::format("[{}]", fmt::join(words, ", "));
}

std::string recompute_layers_text(const RecomputeLayers& layers) {
  return std::visit(
      overloaded{
          [](const AllLayers&) { return std::string("{share: 1}"); },
          [](const FirstLayers& first) { return fmt::format("{}", first.count); },
          [](const ShareOfLayers& share) { return fmt::format("{{share: {}}}", share.share); },
          [](const EveryNthLayer& every) { return fmt::format("{{every: {}}}", every.n); },
          [](const ListedLayers& listed) { return fmt::format("[{}]", fmt::join(listed.counts, ", ")); }},
      layers);
}

std::string recompute_words(const TrainingSpec& training) {
  std::string words = recompute_text(training);
  if (training.recompute == Recompute::modules) words = words.substr(1, words.size() - 2);
  if (training.recompute == Recompute::selective_ops) words += " (chosen per operation)";
  return words + std::visit(overloaded{[](const AllLayers&) { return std::string(); },
                                       [](const FirstLayers& first) {
                                         return fmt::format(" in the first {} layer{} of each stage",
                                                            first.count, first.count == 1 ? "" : "s");
                                       },
                                       [](const ShareOfLayers& share) {
                                         return fmt::format(" in {:.4g}% of the layers", 100 * share.share);
                                       },
                                       [](const EveryNthLayer& every) {
                                         return fmt::format(" in one of {} layers", every.n);
                                       },
                                       [](const ListedLayers& listed) {
                                         return fmt::format(" in the first {} layers of the stages",
                                                            fmt::join(listed.counts, ", "));
                                       }},
                            training.recompute_layers);
}

}  // namespace foreshard
