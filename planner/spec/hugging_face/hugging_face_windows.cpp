#include <algorithm>

#include <fmt/core.h>

#include "planner/spec/hugging_face/hugging_face_parts.hpp"

namespace foreshard::detail {

namespace {

/// For each layer: true if it has sliding-window attention.
using Windowed = std::vector<bool>;

/// The windowed layers according to "layer_types".
Windowed windowed_by_types(const Model& m, const std::vector<std::string>& types) {
  Windowed windowed;
  const NodePtr list = m.t.value("layer_types");
  for (std::size_t layer = 0; layer < types.size(); ++layer) {
    const bool is_sliding = types[layer] == "sliding_attention";
    // A list of another length is complained of already; layers that it leaves out have no type to refuse.
    const bool is_said = list != nullptr && layer < list->items.size();
    if (is_said && !is_sliding && types[layer] != "full_attention")
      m.t.refuse_item(*list->items[layer], "layer_types",
                      fmt::format("unknown layer type {}", quote(types[layer])),
                      "known: full_attention, sliding_attention");
    windowed.push_back(is_sliding);
  }
  return windowed;
}

/// The period of a pattern of windows, by a number (6) or a word (LLLG); the family's if neither is there.
std::int64_t period_of_windows(const Model& m, std::int64_t usual) {
  const char* const key = m.t.one_of({"sliding_window_pattern", "_sliding_window_pattern"});
  const NodePtr node = m.t.value(key);
  if (node == nullptr) return usual;
  if (!node->in_quotes) return m.t.whole(key);
  const bool ends_global = node->text.find('G') == node->text.size() - 1;
  if (!ends_global) m.t.refuse(key, "this pattern of windows is not known", "as in LLLG: L local, G global");
  return static_cast<std::int64_t>(node->text.size());
}

/// The windowed layers according to the family's rule.
Windowed windowed_by_rule(const Model& m, const WindowRule& rule) {
  using Layers = WindowRule::Layers;
  const Translation& t = m.t;
  const bool by_default = rule.layers != Layers::all_if_used && rule.layers != Layers::upper;
  const bool has_window = t.has("sliding_window") || (rule.usual > 0 && !t.mentions("sliding_window"));
  const std::int64_t period = rule.layers == Layers::but_last_of ? period_of_windows(m, rule.period) : 0;
  const std::int64_t first_upper = rule.layers == Layers::upper ? t.whole_or("max_window_layers", 28) : 0;
  const bool is_used = t.flag("use_sliding_window", by_default);
  t.knows({"max_window_layers"});
  if (rule.layers == Layers::none || !has_window || !is_used) return {};
  Windowed windowed;
  for (std::int64_t layer = 0; layer < static_cast<std::int64_t>(m.layers.layers()); ++layer) {
    const bool is_skipped = (rule.layers == Layers::alternate && layer % 2 == 1) ||
                            (rule.layers == Layers::but_last_of && period > 0 && (layer + 1) % period == 0);
    windowed.push_back(layer >= first_upper && !is_skipped);
  }
  return windowed;
}

}  // namespace

std::vector<std::string> layer_types(const Model& m, const char* from) {
  std::vector<std::string> types = m.t.word_list(from);
  const std::size_t layers = m.layers.layers();
  if (types.empty()) return types;
  const auto predicted = static_cast<std::size_t>(
      m.t.whole_or(m.t.one_of({"num_nextn_predict_layers", "mtp_num_hidden_layers"}), 0));
  if (types.size() < layers || types.size() > layers + predicted)
    m.t.refuse(from, fmt::format("{} types for {} layers", types.size(), layers), "one type per layer");
  types.resize(layers);
  return types;
}

void say_windows(Model& m, const WindowRule& rule) {
  const std::vector<std::string> types = layer_types(m);
  const Windowed by_rule = windowed_by_rule(m, rule);
  const Windowed windowed = types.empty() ? by_rule : windowed_by_types(m, types);
  if (std::find(windowed.begin(), windowed.end(), true) == windowed.end()) return;
  Translation attention = m.t.below();
  attention.say("window",
                rule.usual > 0 ? m.t.whole_or("sliding_window", rule.usual) : m.t.whole("sliding_window"));
  describe_attention(m, kLocal, attention);
  for (std::size_t layer = 0; layer < windowed.size(); ++layer)
    m.layers.set_mixer(layer, windowed[layer] ? kLocal : kFull);
}

}  // namespace foreshard::detail
