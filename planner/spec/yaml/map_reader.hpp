#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "planner/spec/yaml/complaints.hpp"
#include "planner/spec/yaml/values.hpp"
#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// One key that a map may have. Each reader has a table of its keys, from which messages, the JSON Schema and
/// the reference of keys are made.
struct KeyInfo {
  std::string_view key;
  std::string_view description;
  std::string_view default_value{};  ///< as in a file; empty if there is none, or if it depends on other keys
};
using KeyTable = std::span<const KeyInfo>;

/// Reads typed values by key from one YAML map. For a wrong value it adds a complaint and returns a harmless
/// value, so that reading continues. Code that compares several values must first check with
/// Complaints::size() that all of them were valid.
class MapReader {
 public:
  /// Opens a node that must be a map; returns none, with a complaint, if it is not.
  /// @param owner the place of the key that names the map: complaints about missing keys point there
  /// @param path  the dotted path of the map, "" for a whole document
  /// @param what  the map describes, as in "a model is a map of keys"
  static std::optional<MapReader> open(NodePtr node, const Place& owner, std::string path, KeyTable keys,
                                       std::string_view what, Complaints& complaints);

  [[nodiscard]] bool has(std::string_view key) const { return node_->find(key) != nullptr; }
  /// The value of a key; null if the key is missing.
  [[nodiscard]] NodePtr value(std::string_view key) const;

  /// The value of a required key; T{}, with a complaint, if the key is missing or its value is not of this
  /// kind.
  template <class Kind>
  typename Kind::type required(std::string_view key, const Kind& kind) const {
    if (!has(key)) {
      complain_of_missing(key);
      return {};
    }
    return maybe(key, kind).value_or(typename Kind::type{});
  }

  /// The value of an optional key; none if it is missing, or, with a complaint, if its value is not of this
  /// kind.
  template <class Kind>
  std::optional<typename Kind::type> maybe(std::string_view key, const Kind& kind) const {
    const NodePtr node = value(key);
    if (node == nullptr) return std::nullopt;
    return read(*node, path_of(key), kind);
  }

  template <class Kind>
  typename Kind::type optional(std::string_view key, const Kind& kind, typename Kind::type fallback) const {
    return maybe(key, kind).value_or(std::move(fallback));
  }

  /// The values of a list that must not be empty; each item must be of this kind.
  template <class Kind>
  std::vector<typename Kind::type> list(std::string_view key, const Kind& kind) const {
    std::vector<typename Kind::type> values;
    const NodePtr node = list_node(key);
    if (node == nullptr) return values;
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      const std::string item_path = path_of(key) + "[" + std::to_string(i) + "]";
      values.push_back(read(*node->items[i], item_path, kind).value_or(typename Kind::type{}));
    }
    return values;
  }

  /// The reader of the map below a key; none if the key is missing or, with a complaint, if its value is not
  /// a map.
  [[nodiscard]] std::optional<MapReader> child(std::string_view key, KeyTable keys) const;
  [[nodiscard]] std::optional<MapReader> required_child(std::string_view key, KeyTable keys) const;

  /// The readers of the maps in a list that must not be empty; none if the key is missing. Items that are not
  /// maps are complained of and left out.
  [[nodiscard]] std::vector<MapReader> children(std::string_view key, KeyTable keys) const;

  /// Adds a complaint about the value of a key, or about the map if the key is missing.
  void complain(std::string_view key, std::string message, std::string allowed = {}) const;
  void complain_of_missing(std::string_view key) const;

  [[nodiscard]] std::string path_of(std::string_view key) const;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const Place& owner() const { return owner_; }
  [[nodiscard]] const NodePtr& node() const { return node_; }
  [[nodiscard]] Complaints& complaints() const { return *complaints_; }

 private:
  MapReader(NodePtr node, const Place& owner, std::string path, KeyTable keys, Complaints& complaints);

  void check_keys() const;
  [[nodiscard]] NodePtr list_node(std::string_view key) const;

  template <class Kind>
  std::optional<typename Kind::type> read(const YamlNode& node, const std::string& path,
                                          const Kind& kind) const {
    auto outcome = kind.read(node);
    if (auto* complaint = std::get_if<ParseComplaint>(&outcome)) {
      complaints_->add(node.place, path, std::move(complaint->message), std::move(complaint->allowed));
      return std::nullopt;
    }
    return std::get<typename Kind::type>(std::move(outcome));
  }

  NodePtr node_;
  Place owner_;
  std::string path_;
  KeyTable keys_;
  Complaints* complaints_;
};

}  // namespace foreshard
