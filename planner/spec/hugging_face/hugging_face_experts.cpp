#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/core.h>

#include "planner/spec/hugging_face/hugging_face_parts.hpp"
#include "planner/units/count.hpp"

namespace foreshard::detail {

namespace {

/// For each layer: true if it has experts.
using HasExperts = std::vector<bool>;

/// Keeps experts in those layers only for which `is_kept` is true.
template <class Condition>
void keep(HasExperts& has, const Condition& is_kept) {
  for (std::size_t layer = 0; layer < has.size(); ++layer)
    has[layer] = has[layer] && is_kept(static_cast<std::int64_t>(layer));
}

/// A list with a number per layer: 1 for experts.
void keep_by_flags(const Model& m, const char* from, HasExperts& has) {
  const std::vector<std::int64_t> flags = m.t.whole_list(from);
  if (flags.size() < has.size())
    return m.t.refuse(from, fmt::format("{} numbers for {} layers", flags.size(), has.size()),
                      "one number per layer");
  keep(has, [&](std::int64_t layer) { return flags[static_cast<std::size_t>(layer)] != 0; });
}

/// "moe_layer_freq": a period, or a list with a number per layer.
void keep_by_frequency(const Model& m, HasExperts& has) {
  const NodePtr frequency = m.t.value("moe_layer_freq");
  if (frequency == nullptr) return;
  if (frequency->kind == YamlNode::Kind::list) return keep_by_flags(m, "moe_layer_freq", has);
  const std::int64_t period = std::max<std::int64_t>(1, m.t.whole("moe_layer_freq"));
  keep(has, [&](std::int64_t layer) { return layer % period == 0; });
}

/// The numbers of a list, or of a text such as "3,4,5".
std::set<std::int64_t> numbers_of(const Model& m, const char* from) {
  const NodePtr node = m.t.value(from);
  std::set<std::int64_t> numbers;
  if (node == nullptr) return numbers;
  if (node->kind != YamlNode::Kind::scalar) {
    const std::vector<std::int64_t> list = m.t.whole_list(from);
    return {list.begin(), list.end()};
  }
  const char* at = node->text.data();
  const char* const end = at + node->text.size();
  while (at < end) {
    std::int64_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error == std::errc{}) numbers.insert(number);
    at = error == std::errc{} ? next : at + 1;
  }
  return numbers;
}

void keep_by_types(const Model& m, HasExperts& has) {
  const std::vector<std::string> types = layer_types(m, "mlp_layer_types");
  if (types.empty()) return;
  const NodePtr list = m.t.value("mlp_layer_types");
  for (std::size_t layer = 0; layer < types.size(); ++layer) {
    if (types[layer] != "dense" && types[layer] != "sparse")
      m.t.refuse_item(*list->items[layer], "mlp_layer_types",
                      fmt::format("unknown type {}", quote(types[layer])), "known: dense, sparse");
  }
  keep(has, [&](std::int64_t layer) { return types[static_cast<std::size_t>(layer)] == "sparse"; });
}

HasExperts layers_with_experts(const Model& m) {
  const Translation& t = m.t;
  HasExperts has(m.layers.layers(), true);
  const std::int64_t first = t.whole_or(t.one_of({"first_k_dense_replace", "num_dense_layers"}), 0);
  keep(has, [&](std::int64_t layer) { return layer >= first; });
  keep_by_frequency(m, has);
  keep_by_types(m, has);
  const std::set<std::int64_t> dense = numbers_of(m, "mlp_only_layers");
  const std::int64_t sparse_step = std::max<std::int64_t>(1, t.whole_or("decoder_sparse_step", 1));
  const std::int64_t step = std::max<std::int64_t>(1, t.whole_or("interleave_moe_layer_step", 1));
  const std::int64_t interval = std::max<std::int64_t>(1, t.whole_or("moe_layer_interval", 1));
  keep(has, [&](std::int64_t layer) {
    return !dense.contains(layer) && (layer + 1) % sparse_step == 0 && (layer + 1) % step == 0 &&
           (layer + 1) % interval == 0;
  });
  const std::int64_t start = t.whole_or("moe_layer_start_index", 0);
  const NodePtr last = t.value("moe_layer_end_index");  // -1: the last layer
  const std::int64_t end = last != nullptr && last->text != "-1" ? t.whole("moe_layer_end_index") : -1;
  keep(has, [&](std::int64_t layer) { return layer >= start && (end < 0 || layer <= end); });
  for (const char* const key : {"moe_layers", "moe_layers_enum"}) {
    const std::set<std::int64_t> listed = numbers_of(m, key);
    if (!listed.empty()) keep(has, [&](std::int64_t layer) { return listed.contains(layer); });
  }
  return has;
}

/// The width of all shared experts together: said as such, or by their number.
std::int64_t shared_hidden(const Model& m, std::int64_t hidden) {
  const Translation& t = m.t;
  const char* const width =
      t.one_of({"shared_expert_intermediate_size", "moe_shared_expert_intermediate_size", "share_expert_dim",
                "shared_intermediate_size", "shared_expert_dim"});
  const char* const count =
      t.one_of({"n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts"});
  if (t.whole_or(width, 0) > 0) return t.whole_or(width, 0);
  return checked_product(t.whole_or(count, 0), hidden);
}

/// True if the router's choice is steered by a number per expert.
bool has_score_bias(const Model& m, bool usual) {
  const Translation& t = m.t;
  const std::string method = t.text("topk_method", usual ? "noaux_tc" : "");
  const char* const key = t.one_of({"use_routing_bias", "moe_router_enable_expert_bias",
                                    "use_moe_router_bias", "moe_use_aux_free", "enable_expert_bias"});
  return t.has(key) ? t.flag(key, usual) : method == "noaux_tc";
}

void say_groups(const Model& m, Translation& experts) {
  const std::int64_t groups = m.t.whole_or(m.t.one_of({"n_group", "num_expert_group"}), 1);
  const std::int64_t chosen = m.t.whole_or("topk_group", 1);
  if (groups <= 1 || chosen >= groups) return;
  experts.say("groups", groups);
  experts.say("groups_per_token", chosen);
}

}  // namespace

void say_expert_layers(Model& m) {
  const HasExperts has = layers_with_experts(m);
  for (std::size_t layer = 0; layer < has.size(); ++layer)
    m.layers.set_ffn(layer, has[layer] ? kExperts : kDense);
}

void say_experts(Model& m, const ExpertRule& rule) {
  const Translation& t = m.t;
  Translation experts = t.below();
  experts.take("count",
               t.one_of({"num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"}));
  experts.take("per_token", t.one_of({"num_experts_per_tok", "num_experts_per_token", "experts_per_token",
                                      "top_k_experts", "moe_k", "moe_top_k", "moe_topk"}));
  experts.take("hidden", rule.hidden);
  const std::int64_t hidden = t.whole_or(rule.hidden, 0);
  const std::int64_t shared = rule.shared_hidden >= 0 ? rule.shared_hidden : shared_hidden(m, hidden);
  if (shared > 0) experts.say("shared_hidden", shared);
  if (shared > 0 && rule.shared_gate) experts.say("shared_gate", "true");
  if (has_score_bias(m, rule.score_bias)) experts.say("score_bias", "true");
  say_groups(m, experts);
  const char* const latent = t.one_of({"moe_latent_size", "routed_expert_hidden_size"});
  if (t.whole_or(latent, 0) > 0) experts.take("latent", latent);
  m.layers.set_experts(experts);
}

}  // namespace foreshard::detail
