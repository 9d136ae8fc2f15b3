#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "planner/spec/hugging_face/hugging_face_translation.hpp"

namespace foreshard::detail {

namespace {

/// For each layer: true if it has sliding-window attention.
using Windowed = std::vector<bool>;

/// The windowed layers according to "layer_types".
Windowed windowed_by_types(Translation& t, const YamlNode& types) {
  Windowed windowed;
  if (types.kind != YamlNode::Kind::list) {
    t.refuse("layer_types", "expected a list, found " + kind_of(types), "one type per layer");
    return windowed;
  }
  for (const NodePtr& type : types.items) {
    const bool is_sliding = type->text == "sliding_attention";
    if (!is_sliding && type->text != "full_attention")
      t.refuse_item(*type, "layer_types", fmt::format("unknown layer type {}", quote(type->text)),
                    "known: full_attention, sliding_attention");
    windowed.push_back(is_sliding);
  }
  const std::int64_t layers = t.whole("num_hidden_layers");
  if (static_cast<std::int64_t>(windowed.size()) != layers)
    t.refuse("layer_types", fmt::format("{} types for {} layers", windowed.size(), layers),
             "one type per layer");
  return windowed;
}

/// The windowed layers according to the family's rule.
Windowed windowed_by_rule(Translation& t, const WindowRule& rule) {
  const bool by_default = rule.layers == WindowedLayers::all || rule.layers == WindowedLayers::alternate;
  const bool has_window = t.has("sliding_window") || (rule.usual > 0 && !t.mentions("sliding_window"));
  if (rule.layers == WindowedLayers::none || !has_window || !t.flag("use_sliding_window", by_default))
    return {};
  const std::int64_t first_upper =
      rule.layers == WindowedLayers::upper ? t.whole_or("max_window_layers", 28) : 0;
  const std::int64_t layers = t.whole("num_hidden_layers");
  Windowed windowed;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const bool is_skipped = rule.layers == WindowedLayers::alternate && layer % 2 == 1;
    windowed.push_back(layer >= first_upper && !is_skipped);
  }
  return windowed;
}

/// The length of the shortest prefix whose repetitions make the whole list.
std::size_t period_of(const Windowed& windowed) {
  for (std::size_t period = 1; period < windowed.size(); ++period) {
    if (std::equal(windowed.begin() + static_cast<std::ptrdiff_t>(period), windowed.end(), windowed.begin()))
      return period;
  }
  return windowed.size();
}

}  // namespace

void translate_windows(Translation& t, const WindowRule& rule) {
  const NodePtr types = t.value("layer_types");
  const Windowed windowed = types != nullptr ? windowed_by_types(t, *types) : windowed_by_rule(t, rule);
  const auto layers = static_cast<std::size_t>(std::count(windowed.begin(), windowed.end(), true));
  if (layers == 0) return;
  const std::int64_t window =
      rule.usual > 0 ? t.whole_or("sliding_window", rule.usual) : t.whole("sliding_window");
  if (layers == windowed.size()) return t.say("window", window);

  Translation attention = t.below();
  attention.say("window", window);
  Translation local = t.below();
  local.say_map("attention", attention);
  Translation kinds = t.below();
  kinds.say_map("local", local);
  kinds.say_map("full", t.below());
  t.say_map("layer_kinds", kinds);
  std::vector<std::string> pattern;
  for (std::size_t layer = 0; layer < period_of(windowed); ++layer)
    pattern.emplace_back(windowed[layer] ? "local" : "full");
  t.say_list("pattern", pattern);
}

}  // namespace foreshard::detail
