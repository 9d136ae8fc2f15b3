#include "planner/spec/hugging_face/hugging_face_layers.hpp"

#include <algorithm>
#include <set>

namespace foreshard::detail {

namespace {

/// The length of the shortest prefix whose repetitions make the whole list.
std::size_t period_of(const std::vector<std::string>& words) {
  for (std::size_t period = 1; period < words.size(); ++period) {
    if (std::equal(words.begin() + static_cast<std::ptrdiff_t>(period), words.end(), words.begin()))
      return period;
  }
  return words.size();
}

bool are_equal(const std::vector<std::string>& words) {
  return std::adjacent_find(words.begin(), words.end(), std::not_equal_to<>()) == words.end();
}

/// The entry of the only layer kind that a model without kinds can say itself: its window.
const YamlNode* only_window(const Translation& mixer) {
  if (mixer.entries().size() != 1 || mixer.entries().front().key != "attention") return nullptr;
  const YamlNode& attention = *mixer.entries().front().value;
  if (attention.entries.size() != 1 || attention.entries.front().key != "window") return nullptr;
  return attention.entries.front().value.get();
}

}  // namespace

const Translation* LayerTable::part(const std::string& word) const {
  const auto found = parts_.find(word);
  return found == parts_.end() || found->second.is_empty() ? nullptr : &found->second;
}

std::optional<std::size_t> LayerTable::leading_dense() const {
  std::size_t dense = 0;
  while (dense < ffns_.size() && ffns_[dense] == kDense) ++dense;
  const bool rest_has_experts = std::all_of(ffns_.begin() + static_cast<std::ptrdiff_t>(dense), ffns_.end(),
                                            [](const std::string& ffn) { return ffn == kExperts; });
  if (!rest_has_experts || dense == ffns_.size()) return std::nullopt;
  return dense;
}

std::string LayerTable::name_of(const std::string& mixer, const std::string& ffn) const {
  const bool ffns_differ = !are_equal(ffns_);
  const bool mixers_differ = !are_equal(mixers_);
  if (ffn == kNoFfn) return mixer.empty() ? std::string(kFull) : mixer;
  if (!mixers_differ && ffns_differ && !ffn.empty()) return ffn;
  if (!ffns_differ || ffn.empty()) return mixer.empty() ? std::string(kFull) : mixer;
  if (mixer == "no-mixer") return ffn;
  return (mixer.empty() ? std::string(kFull) : mixer) + "-" + ffn;
}

std::string LayerTable::add_mtp_kind(const std::string& mixer, const std::string& ffn) {
  mtp_kind_.emplace(mixer, ffn);
  return name_of(mixer, ffn);
}

Translation LayerTable::kind_of(const Translation& t, const std::string& mixer,
                                const std::string& ffn) const {
  Translation kind = t.below();
  if (const Translation* const described = part(mixer)) kind.add(described->entries());
  if (const Translation* const described = part(ffn)) kind.add(described->entries());
  if (ffn == kNoFfn) kind.say("ffn", "none");
  if (ffn == kDense && experts_) kind.say("ffn", "dense");
  if (ffn == kExperts) kind.say("ffn", "experts");
  return kind;
}

void LayerTable::say_kinds(Translation& t) const {
  Translation kinds = t.below();
  std::set<std::string> said;
  std::vector<std::string> pattern;
  for (std::size_t layer = 0; layer < layers(); ++layer) {
    pattern.push_back(name_of(mixers_[layer], ffns_[layer]));
    if (said.insert(pattern.back()).second)
      kinds.say_map(pattern.back().c_str(), kind_of(t, mixers_[layer], ffns_[layer]));
  }
  if (mtp_kind_) {
    const auto& [mixer, ffn] = *mtp_kind_;
    const std::string name = name_of(mixer, ffn);
    if (said.insert(name).second) kinds.say_map(name.c_str(), kind_of(t, mixer, ffn));
  }
  t.say_map("layer_kinds", kinds);
  pattern.resize(period_of(pattern));
  t.say_list("pattern", pattern);
}

void LayerTable::say(Translation& t) const {
  const bool one_mixer = are_equal(mixers_);
  const Translation* const mixer = layers() > 0 ? part(mixers_.front()) : nullptr;
  const YamlNode* const window = one_mixer && mixer != nullptr ? only_window(*mixer) : nullptr;
  const bool plain_mixer = one_mixer && (mixer == nullptr || window != nullptr);
  const bool plain_dense = are_equal(ffns_) && layers() > 0 && !experts_ && ffns_.front() != kNoFfn &&
                           part(ffns_.front()) == nullptr;
  const std::optional<std::size_t> dense = experts_ ? leading_dense() : std::nullopt;
  if (plain_mixer && window != nullptr && (plain_dense || dense)) t.say("window", window->text);
  if (experts_) {
    Translation experts = *experts_;
    const std::size_t leading = dense.value_or(0);
    if (plain_mixer && leading > 0) experts.say("dense_layers", static_cast<std::int64_t>(leading));
    t.say_map("experts", experts);
  }
  if (!(plain_mixer && (plain_dense || dense))) say_kinds(t);
}

}  // namespace foreshard::detail
