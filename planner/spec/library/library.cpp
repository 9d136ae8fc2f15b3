#include "planner/spec/library/library.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <system_error>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/hugging_face/hugging_face_config.hpp"
#include "planner/spec/hugging_face/hugging_face_json.hpp"
#include "planner/spec/library/refused_names.hpp"

namespace foreshard {

namespace {

bool is_folder(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

constexpr std::array kConfigKinds{ConfigKind::models, ConfigKind::accelerators, ConfigKind::clusters,
                                  ConfigKind::jobs, ConfigKind::measured};

std::string folder_of(ConfigKind kind) {
  return kind == ConfigKind::measured ? "measured" : noun_of(kind) + "s";
}

/// The value of $FORESHARD_CONFIGS; null if it is not set.
const char* chosen_directory() {
  const char* const chosen = std::getenv("FORESHARD_CONFIGS");
  return chosen != nullptr && *chosen != '\0' ? chosen : nullptr;
}

/// Why there are no bundled configs at all: there is no such directory, or it has other contents. Empty if
/// there are bundled configs.
std::string no_configs() {
  const std::filesystem::path directory = configs_directory();
  const bool any = std::any_of(kConfigKinds.begin(), kConfigKinds.end(),
                               [&](ConfigKind kind) { return is_folder(directory / folder_of(kind)); });
  if (any) return {};
  const char* const why = is_folder(directory)
                              ? "it has none of the folders models, accelerators, clusters, jobs and measured"
                              : "there is no such directory";
  const char* const told = chosen_directory() != nullptr
                               ? "the environment variable FORESHARD_CONFIGS names it"
                               : "the environment variable FORESHARD_CONFIGS can say where they are";
  return fmt::format("the bundled configs are not at {}: {}; {}", directory.string(), why, told);
}

/// "; did you mean 'h100-80gb-pcie' or 'h100-80gb-sxm'?" for the names whose first part is `name`; empty if
/// there are none.
std::string that_begin_with(const std::string& name, const std::vector<std::string>& names) {
  std::vector<std::string> found;
  for (const std::string& candidate : names)
    if (!name.empty() && candidate.starts_with(name + "-")) found.push_back(quote(candidate));
  return found.empty() ? std::string{} : fmt::format("; did you mean {}?", fmt::join(found, " or "));
}

}  // namespace

std::filesystem::path configs_directory() {
  if (const char* const chosen = chosen_directory()) return chosen;
  std::error_code error;
  const std::filesystem::path executable = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path beside =
      executable.parent_path().parent_path() / "share" / "foreshard" / "configs";
  if (!error && is_folder(beside)) return beside;
  const std::filesystem::path source = FORESHARD_SOURCE_CONFIGS;
  if (is_folder(source)) return source;
  return FORESHARD_INSTALLED_CONFIGS;
}

std::string noun_of(ConfigKind kind) {
  switch (kind) {
    case ConfigKind::models: return "model";
    case ConfigKind::accelerators: return "accelerator";
    case ConfigKind::clusters: return "cluster";
    case ConfigKind::jobs: return "job";
    case ConfigKind::measured: return "file of measured jobs";
  }
  return {};
}

std::string name_from_file(const Place& place, const std::string& fallback) {
  if (place.source == nullptr || place.source->lines.empty()) return fallback;
  const std::string stem = std::filesystem::path(place.source->name).stem().string();
  return stem.empty() ? fallback : stem;
}

bool is_path(const std::string& reference) {
  return reference.find('/') != std::string::npos || reference.ends_with(".yaml") ||
         reference.ends_with(".yml") || reference.ends_with(".json");
}

std::filesystem::path bundled_path(ConfigKind kind, const std::string& name) {
  return configs_directory() / folder_of(kind) / (name + ".yaml");
}

std::vector<std::string> bundled_names(ConfigKind kind) {
  if (std::string why = no_configs(); !why.empty()) {
    Diagnostic nowhere;
    nowhere.message = std::move(why);
    throw SpecError({nowhere});
  }
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(configs_directory() / folder_of(kind), error)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string no_such_config(ConfigKind kind, const std::string& name) {
  if (std::string why = no_configs(); !why.empty()) return why;
  if (const std::optional<std::string> why = why_refused(kind, name))
    return fmt::format("there is no {} named {}: {}", noun_of(kind), quote(name), *why);
  const std::vector<std::string> names = bundled_names(kind);
  std::string suggestion = did_you_mean(name, names);
  if (suggestion.empty()) suggestion = that_begin_with(name, names);
  return fmt::format("there is no {} named {}{}", noun_of(kind), quote(name), suggestion);
}

std::filesystem::path bundled_file(ConfigKind kind, const std::string& name) {
  std::error_code error;
  const std::filesystem::path file = bundled_path(kind, name);
  if (!is_path(name) && std::filesystem::is_regular_file(file, error)) return file;
  Diagnostic unknown;
  unknown.message = no_such_config(kind, name);
  throw SpecError({unknown});
}

NodePtr Library::open(ConfigKind kind, const YamlNode& reference, const std::string& path) {
  const std::string& name = reference.text;
  std::error_code error;
  if (name.ends_with(".json") && kind != ConfigKind::models) {
    complaints_->add(reference.place, path,
                     fmt::format("{} is JSON; this version reads {}s in YAML", quote(name), noun_of(kind)));
    return nullptr;
  }
  if (!is_path(name)) {
    const std::filesystem::path file = bundled_path(kind, name);
    if (std::filesystem::is_regular_file(file, error)) return open_file(kind, file);
    complaints_->add(reference.place, path, no_such_config(kind, name),
                     fmt::format("a name that 'foreshard list {}' shows, or a path", folder_of(kind)));
    return nullptr;
  }
  const std::filesystem::path directory =
      reference.place.source != nullptr ? reference.place.source->directory : std::filesystem::path{};
  const std::filesystem::path file = (directory / name).lexically_normal();
  if (std::filesystem::exists(file, error)) return open_file(kind, file);
  complaints_->add(reference.place, path, fmt::format("there is no file {}", quote(name)),
                   "a path starts at the file that names it");
  return nullptr;
}

NodePtr Library::open_file(ConfigKind kind, const std::filesystem::path& file) {
  if (const auto known = opened_.find(file); known != opened_.end()) return known->second;
  NodePtr& document = opened_[file];
  const std::string name = file.string();
  const std::optional<std::string> text = read_text_file(file, name, *complaints_);
  if (!text) return nullptr;

  const std::size_t before = complaints_->size();
  const SourcePtr source = make_source(name, file.parent_path(), *text);
  if (file.extension() == ".json") {
    const NodePtr config = parse_json(source, *text, *complaints_);
    if (config != nullptr) document = model_from_hugging_face(config, *complaints_);
    return document;
  }
  std::vector<NodePtr> documents = parse_yaml(source, *text, *complaints_);
  if (complaints_->size() != before) return nullptr;
  if (documents.size() == 1) {
    document = documents.front();
  } else if (documents.empty()) {
    complaints_->add({source}, "", fmt::format("the file is empty; it should hold a {}", noun_of(kind)));
  } else {
    complaints_->add(documents[1]->place, "",
                     fmt::format("the file should hold one {}; a second begins here", noun_of(kind)));
  }
  return document;
}

}  // namespace foreshard
