#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "planner/spec/hugging_face/hugging_face_translation.hpp"

namespace foreshard::detail {

/// What each layer of a model is: by layer, the word for its mixer and that for its feed-forward network; by
/// word, what a kind of layer with it says. An empty word is what the model's own keys say.
class LayerTable {
 public:
  explicit LayerTable(std::int64_t layers)
      : mixers_(static_cast<std::size_t>(layers)), ffns_(static_cast<std::size_t>(layers)) {}

  [[nodiscard]] std::size_t layers() const { return mixers_.size(); }
  [[nodiscard]] const std::string& mixer(std::size_t layer) const { return mixers_[layer]; }
  [[nodiscard]] const std::string& ffn(std::size_t layer) const { return ffns_[layer]; }
  void set_mixer(std::size_t layer, std::string word) { mixers_[layer] = std::move(word); }
  void set_ffn(std::size_t layer, std::string word) { ffns_[layer] = std::move(word); }
  /// Sets the mixer of all layers.
  void set_mixers(const std::string& word) { mixers_.assign(mixers_.size(), word); }

  /// Adds a kind of layer that only modules of multi-token prediction have. Returns its name, which is right only after
  /// all layers are set.
  std::string add_mtp_kind(const std::string& mixer, const std::string& ffn);

  /// What a kind of layer with this mixer, or this feed-forward network, says: entries of the kind's map.
  void describe_mixer(const std::string& word, const Translation& map) { parts_.insert_or_assign(word, map); }
  void describe_ffn(const std::string& word, const Translation& map) { parts_.insert_or_assign(word, map); }
  /// What a word says; null if nothing.
  [[nodiscard]] const Translation* part(const std::string& word) const;

  /// The model's experts, if some layers have them.
  void set_experts(const Translation& experts) { experts_.emplace(experts); }
  [[nodiscard]] bool has_experts() const { return experts_.has_value(); }

  /// Adds what the table says to the model's map: its experts, and, where layers differ, its kinds of layers
  /// and their pattern, which is the shortest that repeats.
  void say(Translation& t) const;

 private:
  /// The leading layers without experts, if all others have experts and nothing else differs.
  [[nodiscard]] std::optional<std::size_t> leading_dense() const;
  [[nodiscard]] std::string name_of(const std::string& mixer, const std::string& ffn) const;
  [[nodiscard]] Translation kind_of(const Translation& t, const std::string& mixer,
                                    const std::string& ffn) const;
  void say_kinds(Translation& t) const;

  std::vector<std::string> mixers_;
  std::vector<std::string> ffns_;
  std::map<std::string, Translation> parts_;
  std::optional<Translation> experts_;
  std::optional<std::pair<std::string, std::string>> mtp_kind_;  // mixer and feed-forward network
};

/// The words of feed-forward networks.
inline constexpr const char* kDense = "dense";
inline constexpr const char* kExperts = "experts";
inline constexpr const char* kNoFfn = "no-ffn";
/// Words of mixers.
inline constexpr const char* kFull = "full";
inline constexpr const char* kLocal = "local";

}  // namespace foreshard::detail
