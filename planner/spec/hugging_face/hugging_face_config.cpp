#include "planner/spec/hugging_face/hugging_face_config.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/hugging_face/hugging_face_translation.hpp"
#include "planner/spec/yaml/values.hpp"

namespace foreshard {

namespace detail {

void Translation::take(const char* key, const char* from) {
  if (!has(from)) return refuse(from, fmt::format("the key '{}' is missing", from));
  take_if(key, from);
}

void Translation::take_if(const char* key, const char* from) {
  if (const NodePtr node = value(from)) entries_.push_back({key, node->place, node});
}

void Translation::say(const char* key, std::string value) {
  auto node = std::make_shared<YamlNode>();
  node->kind = YamlNode::Kind::scalar;
  node->place = config_->place;
  node->text = std::move(value);
  entries_.push_back({key, config_->place, std::move(node)});
}

void Translation::say_map(const char* key, const Translation& map) {
  entries_.push_back({key, config_->place, map.result()});
}

void Translation::say_list(const char* key, const std::vector<std::string>& words) {
  auto list = std::make_shared<YamlNode>();
  list->kind = YamlNode::Kind::list;
  list->place = config_->place;
  for (const std::string& word : words) {
    auto item = std::make_shared<YamlNode>();
    item->kind = YamlNode::Kind::scalar;
    item->place = config_->place;
    item->text = word;
    list->items.push_back(std::move(item));
  }
  entries_.push_back({key, config_->place, std::move(list)});
}

NodePtr Translation::value(const char* from) const {
  const MapEntry* const entry = config_->find(from);
  return entry == nullptr || entry->value->kind == YamlNode::Kind::null ? nullptr : entry->value;
}

namespace {

/// The value of a key, read as `kind`; the fallback if the key is missing, or, with a complaint, if the value
/// is not of this kind.
template <class Kind>
typename Kind::type read_or(const Translation& t, const char* from, const Kind& kind,
                            typename Kind::type fallback) {
  const NodePtr node = t.value(from);
  if (node == nullptr) return fallback;
  auto outcome = kind.read(*node);
  if (auto* complaint = std::get_if<ParseComplaint>(&outcome)) {
    t.refuse(from, std::move(complaint->message), std::move(complaint->allowed));
    return fallback;
  }
  return std::get<typename Kind::type>(std::move(outcome));
}

}  // namespace

std::int64_t Translation::whole(const char* from) const {
  if (!has(from)) refuse(from, fmt::format("the key '{}' is missing", from));
  return whole_or(from, 1);
}
std::int64_t Translation::whole_or(const char* from, std::int64_t fallback) const {
  return read_or(*this, from, WholeNumber{0}, fallback);
}
bool Translation::flag(const char* from, bool fallback) const {
  return read_or(*this, from, Boolean{}, fallback);
}
std::string Translation::text(const char* from, const std::string& fallback) const {
  return read_or(*this, from, Text{}, fallback);
}

void Translation::refuse(const char* from, std::string message, std::string allowed) const {
  const NodePtr node = value(from);
  complaints_->add(node != nullptr ? node->place : config_->place, node != nullptr ? from : "",
                   std::move(message), std::move(allowed));
}

void Translation::refuse_item(const YamlNode& item, const char* from, std::string message,
                              std::string allowed) const {
  complaints_->add(item.place, from, std::move(message), std::move(allowed));
}

NodePtr Translation::result() const {
  auto map = std::make_shared<YamlNode>();
  map->kind = YamlNode::Kind::map;
  map->place = config_->place;
  map->entries = entries_;
  return map;
}

}  // namespace detail

namespace {

std::vector<detail::Family> families() {
  std::vector<detail::Family> all = detail::dense_families();
  const std::vector<detail::Family> experts = detail::expert_families();
  all.insert(all.end(), experts.begin(), experts.end());
  return all;
}

std::string full_name(const detail::Family& family) {
  return fmt::format("{}{}", family.architecture,
                     family.architecture == "GPT2" ? "LMHeadModel" : "ForCausalLM");
}

/// The value of "architectures", such as "LlamaForCausalLM"; else that of "model_type", such as "llama";
/// null, with a complaint, if both are missing.
NodePtr architecture_of(const YamlNode& config, Complaints& complaints) {
  const MapEntry* const list = config.find("architectures");
  if (list != nullptr && list->value->kind == YamlNode::Kind::list && !list->value->items.empty())
    return list->value->items.front();
  const MapEntry* const type = config.find("model_type");
  if (type != nullptr && type->value->kind == YamlNode::Kind::scalar) return type->value;
  complaints.add(config.place, "", "neither 'architectures' nor 'model_type' says what model this is",
                 fmt::format("known architectures: {}", fmt::join(hugging_face_architectures(), ", ")));
  return nullptr;
}

/// The known architecture that an unknown word may mean. Compares words without the endings that all
/// architectures share, because these would make all of them similar.
std::string suggestion(const std::string& word) {
  std::vector<std::string> stems;
  for (const detail::Family& family : families()) stems.emplace_back(family.architecture);
  const std::string stem = word.substr(0, word.find("For"));
  const std::optional<std::string> meant = nearest(stem, stems);
  if (!meant) return {};
  const std::vector<detail::Family> known = families();
  const auto family = std::find_if(known.begin(), known.end(), [&](const detail::Family& candidate) {
    return candidate.architecture == *meant;
  });
  return fmt::format("; did you mean '{}'?", full_name(*family));
}

/// True if the word names this family. A family's base model (LlamaModel) differs from its language model
/// (LlamaForCausalLM) only in the head, so both are accepted.
bool names(const std::string& word, const detail::Family& family) {
  return word == family.model_type || word == full_name(family) ||
         word == fmt::format("{}Model", family.architecture);
}

/// The config's own name, else that of its file; if the file is called config.json, that of its directory.
std::string name_of(const detail::Translation& t, const Place& place) {
  const std::string said = t.text("_name_or_path", "");
  if (!said.empty()) return said;
  const std::filesystem::path file = place.source != nullptr ? place.source->name : "";
  const std::string directory = file.parent_path().filename().string();
  return file.stem() == "config" && !directory.empty() ? directory : file.stem().string();
}

}  // namespace

std::vector<std::string> hugging_face_architectures() {
  std::vector<std::string> all;
  for (const detail::Family& family : families()) all.push_back(full_name(family));
  std::sort(all.begin(), all.end());
  return all;
}

NodePtr model_from_hugging_face(const NodePtr& config, Complaints& complaints) {
  if (config->kind != YamlNode::Kind::map) {
    complaints.add(config->place, "", "expected a Hugging Face config, found " + kind_of(*config));
    return nullptr;
  }
  const NodePtr architecture = architecture_of(*config, complaints);
  if (architecture == nullptr) return nullptr;
  const std::vector<detail::Family> known = families();
  const auto family = std::find_if(known.begin(), known.end(), [&](const detail::Family& candidate) {
    return names(architecture->text, candidate);
  });
  if (family == known.end()) {
    const std::vector<std::string> all = hugging_face_architectures();
    complaints.add(
        architecture->place, "architectures",
        fmt::format("unknown architecture {}{}", quote(architecture->text), suggestion(architecture->text)),
        fmt::format("known: {}", fmt::join(all, ", ")));
    return nullptr;
  }
  const std::size_t before = complaints.size();
  detail::Translation translation(config, complaints);
  if (const std::string name = name_of(translation, config->place); !name.empty())
    translation.say("name", name);
  family->translate(translation);
  if (complaints.size() == before) detail::translate_windows(translation, family->windows);
  return complaints.size() == before ? translation.result() : nullptr;
}

}  // namespace foreshard
