#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard::detail {

/// Builds the map of a model from one config.json, entry by entry. Values keep their places in config.json.
/// In the functions below, `key` is the model's key that is added, and `from` is a key of config.json.
class Translation {
 public:
  Translation(NodePtr config, Complaints& complaints)
      : config_(std::move(config)), complaints_(&complaints) {}

  /// Adds `key` with the value of `from`, which is required.
  void take(const char* key, const char* from);
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
  [[nodiscard]] Translation below() const { return {config_, *complaints_}; }

  /// The value of `from`; a null pointer if it is missing or null.
  [[nodiscard]] NodePtr value(const char* from) const;
  [[nodiscard]] bool has(const char* from) const { return value(from) != nullptr; }
  /// True if `from` is there, even as null.
  [[nodiscard]] bool mentions(const char* from) const { return config_->find(from) != nullptr; }
  /// A required whole number; 1, with a complaint, if it is missing or not a whole number.
  [[nodiscard]] std::int64_t whole(const char* from) const;
  [[nodiscard]] std::int64_t whole_or(const char* from, std::int64_t fallback) const;
  [[nodiscard]] bool flag(const char* from, bool fallback) const;
  [[nodiscard]] std::string text(const char* from, const std::string& fallback) const;

  /// Adds a complaint about `from`, or about the whole file if `from` is missing.
  void refuse(const char* from, std::string message, std::string allowed = {}) const;
  /// Adds a complaint about one item of the list `from`.
  void refuse_item(const YamlNode& item, const char* from, std::string message, std::string allowed) const;

  [[nodiscard]] NodePtr result() const;

 private:
  NodePtr config_;
  Complaints* complaints_;
  std::vector<MapEntry> entries_;
};

/// Which layers of a model family have sliding-window attention, in configs without "layer_types".
enum class WindowedLayers : std::uint8_t {
  none,
  all,
  all_if_used,  ///< all layers if use_sliding_window is true
  alternate,    ///< the first, the third and so on
  upper,        ///< from layer max_window_layers on, if use_sliding_window is true
};
struct WindowRule {
  WindowedLayers layers = WindowedLayers::none;
  std::int64_t usual = 0;  ///< the window in tokens if the config does not mention it; 0: no window
};

/// A family of models with the same architecture, and the function that translates its configs.
struct Family {
  std::string_view architecture;  ///< without "ForCausalLM" and the like
  std::string_view model_type;
  void (*translate)(Translation&);
  WindowRule windows{};
};

/// The families without experts, and those with them.
std::vector<Family> dense_families();
std::vector<Family> expert_families();

/// Translates the keys that Llama and its descendants share: sizes, heads, tied embeddings, the activation of
/// a gated FFN.
void translate_llama_sizes(Translation& t);
/// Translates sliding windows. If only some layers have one, adds kinds of layers and their pattern.
void translate_windows(Translation& t, const WindowRule& rule);
/// Translates `attention_bias`: biases of the attention projections.
void translate_attention_bias(Translation& t);

}  // namespace foreshard::detail
