#include "planner/spec/hugging_face/hugging_face_architecture.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/hugging_face/hugging_face_config.hpp"
#include "planner/spec/hugging_face/hugging_face_keys.hpp"

namespace foreshard::detail {

namespace {

constexpr const char* kByHand = "or describe it in YAML: docs/how_to/your_model.md, 'By hand'";

/// The words that say what model a config describes, the most specific first.
std::vector<NodePtr> naming_words(const YamlNode& text, const YamlNode& whole) {
  std::vector<NodePtr> words;
  for (const YamlNode* const config : {&text, &whole}) {
    const MapEntry* const list = config->find("architectures");
    if (list != nullptr && list->value->kind == YamlNode::Kind::list && !list->value->items.empty())
      words.push_back(list->value->items.front());
    const MapEntry* const type = config->find("model_type");
    if (type != nullptr && type->value->kind == YamlNode::Kind::scalar && !type->value->text.empty())
      words.push_back(type->value);
  }
  return words;
}

/// The part of an architecture's name that is its own: "Llama" of "LlamaForCausalLM" and of "LlamaModel".
std::string stem_of(const std::string& word) {
  for (const char* const ending : {"For", "LMHeadModel", "Model", "LMHead"}) {
    const std::size_t at = word.find(ending);
    if (at != std::string::npos && at > 0) return word.substr(0, at);
  }
  return word;
}

/// True if a word names a family. The text part of a family for several media has "_text" at its end.
template <class AnyFamily>
bool names(const std::string& word, const AnyFamily& family) {
  if (stem_of(word) == family.architecture) return true;
  const std::string_view type = word;
  return type == family.model_type ||
         (type.ends_with("_text") && type.substr(0, type.size() - 5) == family.model_type);
}

template <class AnyFamily>
const AnyFamily* named(const std::vector<AnyFamily>& all, const std::string& word) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const AnyFamily& candidate) { return names(word, candidate); });
  return found == all.end() ? nullptr : &*found;
}

/// What a config lacks of a family's keys, and has beside them.
struct Difference {
  std::vector<std::string> lacks;
  std::vector<std::string> has;
  std::size_t complaints = 0;
};

Difference difference(const NodePtr& config, const Family& family) {
  Complaints complaints;
  const auto reading = std::make_shared<Reading>(Reading{.complaints = &complaints});
  const Translation root(config, reading);
  Model model = open_model(root);
  family.translate(model);
  return {.lacks = reading->missing, .has = unaccounted_keys(root), .complaints = complaints.size()};
}

/// The family to which a config is nearest by its keys; among equals the newest.
const Family& nearest_by_keys(const NodePtr& config) {
  const Family* nearest = &families().front();
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const Family& family : families()) {
    const Difference there = difference(config, family);
    const std::size_t distance = there.complaints + there.has.size();
    if (distance >= least) continue;
    least = distance;
    nearest = &family;
  }
  return *nearest;
}

/// The family whose name an unknown word may mean.
std::optional<const Family*> nearest_by_name(const std::string& word) {
  std::vector<std::string> stems;
  for (const Family& family : families()) stems.emplace_back(family.architecture);
  const std::optional<std::string> meant = nearest(stem_of(word), stems);
  if (!meant) return std::nullopt;
  return &*std::find_if(families().begin(), families().end(),
                        [&](const Family& family) { return family.architecture == *meant; });
}

/// True if a config says enough that its keys tell families apart.
bool has_sizes(const YamlNode& config) {
  return config.find("hidden_size") != nullptr || config.find("n_embd") != nullptr ||
         config.find("d_model") != nullptr;
}

void refuse_unknown(const NodePtr& word, const YamlNode& text, Complaints& complaints) {
  std::string message = fmt::format("unknown architecture {}", quote(word->text));
  if (has_sizes(text)) {
    const auto config = std::make_shared<YamlNode>(text);
    const Family& family = nearest_by_keys(config);
    const Difference there = difference(config, family);
    message += fmt::format("; by its keys it is nearest to '{}'", full_name(family));
    if (!there.lacks.empty()) message += fmt::format("; it lacks {}", fmt::join(there.lacks, ", "));
    if (!there.has.empty()) message += fmt::format("; it has beside {}", fmt::join(there.has, ", "));
  } else if (const auto family = nearest_by_name(word->text)) {
    message += fmt::format("; did you mean '{}'?", full_name(**family));
  }
  complaints.add(word->place, "architectures", std::move(message),
                 fmt::format("known: {}; {}", fmt::join(hugging_face_architectures(), ", "), kByHand));
}

}  // namespace

std::string full_name(const Family& family) {
  const bool is_encoder = family.architecture == "Bert";
  if (is_encoder) return fmt::format("{}ForMaskedLM", family.architecture);
  return fmt::format("{}{}", family.architecture,
                     family.architecture == "GPT2" ? "LMHeadModel" : "ForCausalLM");
}

const Family* find_family(const YamlNode& text, const YamlNode& whole, Complaints& complaints) {
  const std::vector<NodePtr> words = naming_words(text, whole);
  if (words.empty()) {
    complaints.add(whole.place, "", "neither 'architectures' nor 'model_type' says what model this is",
                   fmt::format("known architectures: {}", fmt::join(hugging_face_architectures(), ", ")));
    return nullptr;
  }
  for (const NodePtr& word : words) {
    const UnplannedFamily* const unplanned = named(unplanned_families(), word->text);
    if (unplanned == nullptr || named(families(), word->text) != nullptr) continue;
    complaints.add(word->place, "architectures",
                   fmt::format("{} cannot be planned: foreshard has no notion of {}", quote(word->text),
                               unplanned->lacking),
                   "");
    return nullptr;
  }
  for (const NodePtr& word : words) {
    if (const Family* const family = named(families(), word->text)) return family;
  }
  refuse_unknown(words.front(), text, complaints);
  return nullptr;
}

}  // namespace foreshard::detail
