#include "planner/spec/hugging_face/hugging_face_translation.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "planner/spec/yaml/values.hpp"

namespace foreshard::detail {

namespace {

std::shared_ptr<YamlNode> scalar_at(const Place& place, std::string text) {
  auto node = std::make_shared<YamlNode>();
  node->kind = YamlNode::Kind::scalar;
  node->place = place;
  node->text = std::move(text);
  return node;
}

/// The one value of a list of equal values, one per layer, which stands for it; any other node itself.
NodePtr same_in_all_layers(const NodePtr& node) {
  if (node->kind != YamlNode::Kind::list || node->items.empty()) return node;
  const auto is_first = [&](const NodePtr& item) {
    return item->kind == YamlNode::Kind::scalar && item->text == node->items.front()->text;
  };
  return std::all_of(node->items.begin(), node->items.end(), is_first) ? node->items.front() : node;
}

/// The value of a key, read as `kind`; the fallback if the key is missing, or, with a complaint, if the value
/// is not of this kind.
template <class Kind>
typename Kind::type read_or(const Translation& t, const char* from, const Kind& kind,
                            typename Kind::type fallback) {
  NodePtr node = t.value(from);
  if (node == nullptr) return fallback;
  node = same_in_all_layers(node);
  auto outcome = kind.read(*node);
  if (auto* complaint = std::get_if<ParseComplaint>(&outcome)) {
    t.refuse(from, std::move(complaint->message), std::move(complaint->allowed));
    return fallback;
  }
  return std::get<typename Kind::type>(std::move(outcome));
}

}  // namespace

void Translation::take(const char* key, const char* from) {
  if (!has(from)) return refuse_missing(from);
  take_if(key, from);
}

void Translation::take_or(const char* key, const char* from, std::int64_t fallback) {
  if (has(from)) return take_if(key, from);
  say(key, fallback);
  note(fmt::format("'{}' is not in the file: {}, as transformers has it", from, fallback));
}

void Translation::take_if(const char* key, const char* from) {
  if (const NodePtr node = value(from)) entries_.push_back({key, node->place, same_in_all_layers(node)});
}

void Translation::say(const char* key, std::string value) {
  entries_.push_back({key, config_->place, scalar_at(config_->place, std::move(value))});
}

void Translation::say_map(const char* key, const Translation& map) {
  entries_.push_back({key, config_->place, map.result()});
}

void Translation::say_list(const char* key, const std::vector<std::string>& words) {
  auto list = std::make_shared<YamlNode>();
  list->kind = YamlNode::Kind::list;
  list->place = config_->place;
  for (const std::string& word : words) list->items.push_back(scalar_at(config_->place, word));
  entries_.push_back({key, config_->place, std::move(list)});
}

std::optional<Translation> Translation::inside(const char* from) const {
  const NodePtr map = value(from);
  if (map == nullptr) return std::nullopt;
  if (map->kind == YamlNode::Kind::map) return Translation(map, reading_);
  refuse(from, "expected a map, found " + kind_of(*map));
  return std::nullopt;
}

NodePtr Translation::value(const char* from) const {
  return mentions(from) && config_->find(from)->value->kind != YamlNode::Kind::null
             ? config_->find(from)->value
             : nullptr;
}

bool Translation::mentions(const char* from) const {
  if (config_->find(from) == nullptr) return false;
  reading_->used.emplace(config_.get(), from);
  return true;
}

const char* Translation::one_of(const std::vector<const char*>& names) const {
  const char* found = nullptr;
  for (const char* const name : names) {
    const NodePtr node = value(name);
    if (node == nullptr) continue;
    if (found == nullptr) {
      found = name;
    } else if (value(found)->text != node->text) {
      refuse(name,
             fmt::format("{} here, but {} in '{}', which says the same", quote(node->text),
                         quote(value(found)->text), found),
             "one value");
    }
  }
  return found != nullptr ? found : names.front();
}

std::int64_t Translation::whole(const char* from) const {
  if (!has(from)) refuse_missing(from);
  return whole_or(from, 1);
}
std::int64_t Translation::whole_or(const char* from, std::int64_t fallback) const {
  return read_or(*this, from, WholeNumber{0}, fallback);
}
double Translation::real_or(const char* from, double fallback) const {
  return read_or(*this, from, RealNumber{}, fallback);
}
bool Translation::flag(const char* from, bool fallback) const {
  return read_or(*this, from, Boolean{}, fallback);
}
std::string Translation::text(const char* from, const std::string& fallback) const {
  const NodePtr node = value(from);
  if (node != nullptr && node->kind == YamlNode::Kind::scalar && node->text.empty()) return fallback;
  return read_or(*this, from, Text{}, fallback);
}

std::vector<std::int64_t> Translation::whole_list(const char* from) const {
  std::vector<std::int64_t> numbers;
  const NodePtr list = value(from);
  if (list == nullptr) return numbers;
  if (list->kind != YamlNode::Kind::list) {
    refuse(from, "expected a list, found " + kind_of(*list));
    return numbers;
  }
  for (const NodePtr& item : list->items) {
    auto outcome = WholeNumber{0}.read(*item);
    if (auto* complaint = std::get_if<ParseComplaint>(&outcome)) {
      // Python writes a list of booleans where others write 0 and 1.
      if (item->text == "true" || item->text == "false") {
        numbers.push_back(item->text == "true" ? 1 : 0);
        continue;
      }
      refuse_item(*item, from, std::move(complaint->message), std::move(complaint->allowed));
      return numbers;
    }
    numbers.push_back(std::get<std::int64_t>(outcome));
  }
  return numbers;
}

std::vector<std::string> Translation::word_list(const char* from) const {
  std::vector<std::string> words;
  const NodePtr list = value(from);
  if (list == nullptr) return words;
  if (list->kind != YamlNode::Kind::list) {
    refuse(from, "expected a list, found " + kind_of(*list));
    return words;
  }
  for (const NodePtr& item : list->items) words.push_back(item->text);
  return words;
}

void Translation::refuse_missing(const char* from) const {
  std::vector<std::string>& missing = reading_->missing;
  if (std::find(missing.begin(), missing.end(), from) != missing.end()) return;
  missing.emplace_back(from);
  refuse(from, fmt::format("the key '{}' is missing", from));
}

void Translation::knows(const std::vector<const char*>& keys) const {
  for (const char* const key : keys) (void)mentions(key);
}

void Translation::note(std::string sentence) const { reading_->notes.push_back(std::move(sentence)); }

void Translation::refuse(const char* from, std::string message, std::string allowed) const {
  const NodePtr node = value(from);
  reading_->complaints->add(node != nullptr ? node->place : config_->place, node != nullptr ? from : "",
                            std::move(message), std::move(allowed));
}

void Translation::refuse_item(const YamlNode& item, const char* from, std::string message,
                              std::string allowed) const {
  reading_->complaints->add(item.place, from, std::move(message), std::move(allowed));
}

NodePtr Translation::result() const {
  auto map = std::make_shared<YamlNode>();
  map->kind = YamlNode::Kind::map;
  map->place = config_->place;
  map->entries = entries_;
  return map;
}

}  // namespace foreshard::detail
