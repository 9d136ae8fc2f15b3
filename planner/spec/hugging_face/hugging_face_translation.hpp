#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard::detail {

/// What all translations of parts of one config.json share.
struct Reading {
  Complaints* complaints = nullptr;
  /// The keys that were read, each with the map that has it. What is not here has had no effect.
  std::set<std::pair<const YamlNode*, std::string>> used{};
  std::vector<std::string> notes{};    ///< what the plan leaves out, one sentence each
  std::vector<std::string> missing{};  ///< required keys that are not there
};

/// Builds the map of a model from one config.json, entry by entry. Values keep their places in config.json.
/// In the functions below, `key` is the model's key that is added, and `from` is a key of config.json. Every
/// function that reads a key marks it as used.
class Translation {
 public:
  Translation(NodePtr config, std::shared_ptr<Reading> reading)
      : config_(std::move(config)), reading_(std::move(reading)) {}

  /// Adds `key` with the value of `from`, which is required.
  void take(const char* key, const char* from);
  /// Adds `key` with the value of `from`; with `fallback`, and a note, if it is missing or null.
  void take_or(const char* key, const char* from, std::int64_t fallback);
  /// Adds `key` with the value of `from`, if that is there and not null.
  void take_if(const char* key, const char* from);
  /// Adds `key` with this value.
  void say(const char* key, std::string value);
  void say(const char* key, std::int64_t value) { say(key, std::to_string(value)); }
  /// Adds `key` with a map.
  void say_map(const char* key, const Translation& map);
  /// Adds `key` with a list of words.
  void say_list(const char* key, const std::vector<std::string>& words);
  /// A new, empty translation of the same config, for a map below a key.
  [[nodiscard]] Translation below() const { return {config_, reading_}; }
  /// A new, empty translation of the map below `from`; none if there is no map.
  [[nodiscard]] std::optional<Translation> inside(const char* from) const;
  /// The same for a map that is an item of a list.
  [[nodiscard]] Translation of(NodePtr map) const { return {std::move(map), reading_}; }

  /// The value of `from`; a null pointer if it is missing or null.
  [[nodiscard]] NodePtr value(const char* from) const;
  [[nodiscard]] bool has(const char* from) const { return value(from) != nullptr; }
  /// True if `from` is there, even as null.
  [[nodiscard]] bool mentions(const char* from) const;
  /// The first of these names of one setting that is there; the first name if none is. Complains if several
  /// are there with different values.
  [[nodiscard]] const char* one_of(const std::vector<const char*>& names) const;
  /// A required whole number; 1, with a complaint, if it is missing or not a whole number.
  [[nodiscard]] std::int64_t whole(const char* from) const;
  [[nodiscard]] std::int64_t whole_or(const char* from, std::int64_t fallback) const;
  [[nodiscard]] double real_or(const char* from, double fallback) const;
  [[nodiscard]] bool flag(const char* from, bool fallback) const;
  [[nodiscard]] std::string text(const char* from, const std::string& fallback) const;
  /// The whole numbers of the list `from`, which may be 0; empty if it is missing.
  [[nodiscard]] std::vector<std::int64_t> whole_list(const char* from) const;
  /// The words of the list `from`; empty if it is missing.
  [[nodiscard]] std::vector<std::string> word_list(const char* from) const;

  /// Complains that a required key is not there.
  void refuse_missing(const char* from) const;
  /// Marks keys as read which this family has, and which change neither weights nor work in it.
  void knows(const std::vector<const char*>& keys) const;
  /// Says that the plan leaves something out, as one sentence without a full stop.
  void note(std::string sentence) const;

  /// Adds a complaint about `from`, or about the whole file if `from` is missing.
  void refuse(const char* from, std::string message, std::string allowed = {}) const;
  /// Adds a complaint about one item of the list `from`.
  void refuse_item(const YamlNode& item, const char* from, std::string message, std::string allowed) const;

  [[nodiscard]] bool is_empty() const { return entries_.empty(); }
  [[nodiscard]] const std::vector<MapEntry>& entries() const { return entries_; }
  void add(const std::vector<MapEntry>& entries) {
    entries_.insert(entries_.end(), entries.begin(), entries.end());
  }
  [[nodiscard]] NodePtr result() const;
  [[nodiscard]] const NodePtr& config() const { return config_; }
  [[nodiscard]] Reading& reading() const { return *reading_; }
  [[nodiscard]] std::size_t complaints() const { return reading_->complaints->size(); }

 private:
  NodePtr config_;
  std::shared_ptr<Reading> reading_;
  std::vector<MapEntry> entries_;
};

}  // namespace foreshard::detail
