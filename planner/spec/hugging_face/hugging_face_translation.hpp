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
  /// key: a list of words.
  void say_list(const char* key, const std::vector<std::string>& words);
  /// A translation of the same config into a map of its own.
  [[nodiscard]] Translation below() const { return {config_, *complaints_}; }

  /// The value of `from`, null if it is not there or is null.
  [[nodiscard]] NodePtr value(const char* from) const;
  [[nodiscard]] bool has(const char* from) const { return value(from) != nullptr; }
  /// True if `from` is there, even as null.
  [[nodiscard]] bool mentions(const char* from) const { return config_->find(from) != nullptr; }
  /// A whole number that must be there; 1 with a complaint if it is not, or is none.
  [[nodiscard]] std::int64_t whole(const char* from) const;
  [[nodiscard]] std::int64_t whole_or(const char* from, std::int64_t fallback) const;
  [[nodiscard]] bool flag(const char* from, bool fallback) const;
  [[nodiscard]] std::string text(const char* from, const std::string& fallback) const;

  /// A complaint about `from`, or about the file where it is not there.
  void refuse(const char* from, std::string message, std::string allowed = {}) const;
  /// A complaint about one item of the list `from`.
  void refuse_item(const YamlNode& item, const char* from, std::string message, std::string allowed) const;

  [[nodiscard]] NodePtr result() const;

 private:
  NodePtr config_;
  Complaints* complaints_;
  std::vector<MapEntry> entries_;
};

/// Which layers of a family attend through a sliding window, in configs without "layer_types".
enum class WindowedLayers : std::uint8_t {
  none,
  all,
  all_if_used,  ///< where use_sliding_window says so
  alternate,    ///< the first, the third and so on
  upper,        ///< from max_window_layers on, where use_sliding_window says so
};
struct WindowRule {
  WindowedLayers layers = WindowedLayers::none;
  std::int64_t usual = 0;  ///< the window in tokens where the config does not mention it; 0: none
};

/// Adds what is particular to a family to a translation.
struct Family {
  std::string_view architecture;  ///< without "ForCausalLM" and the like
  std::string_view model_type;
  void (*translate)(Translation&);
  WindowRule windows{};
};

/// The families without experts, and those with them.
std::vector<Family> dense_families();
std::vector<Family> expert_families();

/// What configs of Llama's line share: sizes, heads, tied embeddings, the activation of a gated FFN.
void translate_llama_sizes(Translation& t);
/// Windows of all layers, or of some: kinds of layers and their pattern.
void translate_windows(Translation& t, const WindowRule& rule);
/// Biases of the attention projections as `attention_bias` says.
void translate_attention_bias(Translation& t);

}  // namespace foreshard::detail
