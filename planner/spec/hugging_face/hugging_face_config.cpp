#include "planner/spec/hugging_face/hugging_face_config.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/hugging_face/hugging_face_architecture.hpp"
#include "planner/spec/hugging_face/hugging_face_keys.hpp"
#include "planner/spec/hugging_face/hugging_face_parts.hpp"
#include "planner/spec/yaml/node_edit.hpp"

namespace foreshard {

namespace {

using detail::Translation;

/// The keys below which a file that describes more than text has its language model.
constexpr std::array kTextParts{"text_config", "language_config", "llm_config", "text_model",
                                "thinker_config"};

/// The language model of a config, and the config around it.
struct LanguageModel {
  NodePtr config;
  NodePtr around;  ///< null if the config describes only text
};

/// The config of the language model: that below one of kTextParts, else the whole.
LanguageModel language_model(const NodePtr& config) {
  for (const char* const key : kTextParts) {
    const MapEntry* const part = config->find(key);
    if (part == nullptr || part->value->kind != YamlNode::Kind::map || part->value->entries.empty()) continue;
    NodePtr text = language_model(part->value).config;
    // Where the language model does not say it, the whole does.
    const MapEntry* const tied = config->find("tie_word_embeddings");
    if (tied != nullptr && text->find("tie_word_embeddings") == nullptr) text = with_entry(*text, *tied);
    return {text, config};
  }
  return {config, nullptr};
}

/// Notes the parts of the whole that are not planned.
void note_around(const Translation& t, const YamlNode& around) {
  std::vector<std::string> parts;
  std::vector<std::string> others;
  for (const MapEntry& entry : around.entries) {
    const bool is_text = std::find(kTextParts.begin(), kTextParts.end(), entry.key) != kTextParts.end();
    if (is_text || entry.key == "tie_word_embeddings" || entry.value->kind == YamlNode::Kind::null) continue;
    const bool is_known = !detail::irrelevance_of(entry.key).empty();
    if (entry.value->kind == YamlNode::Kind::map && !entry.value->entries.empty()) {
      if (entry.key.ends_with("_config") && !entry.key.starts_with("quantization") &&
          !entry.key.starts_with("compression"))
        parts.push_back(entry.key);
    } else if (!is_known) {
      others.push_back(entry.key);
    }
  }
  if (!parts.empty())
    t.note(fmt::format("only the language model is planned, without {}", fmt::join(parts, ", ")));
  if (!others.empty())
    t.note(fmt::format("keys beside the language model are not read: {}", fmt::join(others, ", ")));
}

void note_quantisation(const Translation& t, const YamlNode& config) {
  for (const char* const key : {"quantization_config", "compression_config"}) {
    const MapEntry* const entry = config.find(key);
    if (entry == nullptr || entry->value->kind != YamlNode::Kind::map) continue;
    std::string method = "unnamed";
    for (const char* const name : {"quant_method", "format", "quant_algo"}) {
      const MapEntry* const said = entry->value->find(name);
      if (said != nullptr && said->value->kind == YamlNode::Kind::scalar) method = said->value->text;
    }
    return t.note(
        fmt::format("the checkpoint is quantised ({}); the model is planned as before that", method));
  }
}

/// The parts for other media of a config whose language model is not in a part of its own.
void note_media(const Translation& t) {
  for (const char* const key : {"vision_config", "audio_config", "visual", "vision_tower", "speech_config"}) {
    const MapEntry* const part = t.config()->find(key);
    if (part != nullptr && part->value->kind == YamlNode::Kind::map && !part->value->entries.empty())
      t.note(fmt::format("only the language model is planned, without {}", key));
  }
}

/// The config's own name, else that of its file; if the file is called config.json, that of its directory.
std::string name_of(const Translation& t, const Place& place) {
  const std::string said = t.text("_name_or_path", "");
  if (!said.empty() && said.front() != '/' && said.front() != '.') return said;
  const std::filesystem::path file = place.source != nullptr ? place.source->name : "";
  const std::string directory = file.parent_path().filename().string();
  return file.stem() == "config" && !directory.empty() ? directory : file.stem().string();
}

}  // namespace

std::vector<std::string> hugging_face_architectures() {
  std::vector<std::string> all;
  for (const detail::Family& family : detail::families()) all.push_back(detail::full_name(family));
  std::sort(all.begin(), all.end());
  return all;
}

NodePtr model_from_hugging_face(const NodePtr& config, Complaints& complaints) {
  if (config->kind != YamlNode::Kind::map) {
    complaints.add(config->place, "", "expected a Hugging Face config, found " + kind_of(*config));
    return nullptr;
  }
  if (config->find("zero_optimization") != nullptr ||
      config->find("train_micro_batch_size_per_gpu") != nullptr) {
    complaints.add(config->place, "", "this is a configuration of DeepSpeed, not a model's config.json",
                   "write its few keys as a job file: docs/reference/keys.md");
    return nullptr;
  }
  const LanguageModel found = language_model(config);
  const detail::Family* const family = detail::find_family(*found.config, *config, complaints);
  if (family == nullptr) return nullptr;

  const std::size_t before = complaints.size();
  const auto reading = std::make_shared<detail::Reading>(detail::Reading{.complaints = &complaints});
  const Translation root(found.config, reading);
  detail::Model model = detail::open_model(root);
  const std::string name = name_of(root, config->place);
  if (!name.empty()) model.t.say("name", name);
  family->translate(model);
  detail::account_for_keys(root);
  if (found.around != nullptr) note_around(root, *found.around);
  if (found.around == nullptr) note_media(root);
  note_quantisation(root, found.config->find("quantization_config") != nullptr ? *found.config : *config);
  if (complaints.size() != before) return nullptr;
  if (!reading->notes.empty()) model.t.say_list("left_out", reading->notes);
  return model.result();
}

}  // namespace foreshard
