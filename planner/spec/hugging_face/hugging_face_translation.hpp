#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard::detail {

/// Turns the keys of one config.json into those of a model, entry by entry; values keep their places.
class Translation {
 public:
  Translation(NodePtr config, Complaints& complaints)
      : config_(std::move(config)), complaints_(&complaints) {}

  /// key: the value of `from`, which must be there.
  void take(const char* key, const char* from);
  /// key: the value of `from`, if it is there and not null.
  void take_if(const char* key, const char* from);
  /// key: this value.
  void say(const char* key, std::string value);
  void say(const char* key, std::int64_t value) { say(key, std::to_string(value)); }
  /// key: a map.
  void say_map(const char* key, const Translation& map);
  /// A translation of the same config into a map of its own.
  [[nodiscard]] Translation below() const { return {config_, *complaints_}; }

  /// The value of `from`, null if it is not there or is null.
  [[nodiscard]] NodePtr value(const char* from) const;
  [[nodiscard]] bool has(const char* from) const { return value(from) != nullptr; }
  /// A whole number that must be there; 1 with a complaint if it is not, or is none.
  [[nodiscard]] std::int64_t whole(const char* from) const;
  [[nodiscard]] std::int64_t whole_or(const char* from, std::int64_t fallback) const;
  [[nodiscard]] bool flag(const char* from, bool fallback) const;
  [[nodiscard]] std::string text(const char* from, const std::string& fallback) const;

  /// A complaint about `from`, or about the file where it is not there.
  void refuse(const char* from, std::string message, std::string allowed = {}) const;

  [[nodiscard]] NodePtr result() const;

 private:
  NodePtr config_;
  Complaints* complaints_;
  std::vector<MapEntry> entries_;
};

/// Adds what is particular to a family to a translation.
struct Family {
  std::string_view architecture;  ///< without "ForCausalLM" and the like
  std::string_view model_type;
  void (*translate)(Translation&);
};

/// The families without experts, and those with them.
std::vector<Family> dense_families();
std::vector<Family> expert_families();

/// What configs of Llama's line share: sizes, heads, tied embeddings, the activation of a gated FFN.
void translate_llama_sizes(Translation& t);
/// Biases of the attention projections as `attention_bias` says.
void translate_attention_bias(Translation& t);

}  // namespace foreshard::detail
