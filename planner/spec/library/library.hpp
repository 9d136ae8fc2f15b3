#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "planner/spec/library/config_kind.hpp"
#include "planner/spec/yaml/complaints.hpp"
#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// Opens the configs that a file refers to by name or path, each once, for one reading.
class Library {
 public:
  explicit Library(Complaints& complaints) : complaints_(&complaints) {}

  [[nodiscard]] Complaints& complaints() const { return *complaints_; }

  /// The one document of the config that a scalar names: a bundled one by name, another by a path that
  /// starts at the directory of the file in which the scalar stands. None, with a complaint that has `path`
  /// for its key, if there is no such config or the file cannot be read.
  NodePtr open(ConfigKind kind, const YamlNode& reference, const std::string& path);

 private:
  NodePtr open_file(ConfigKind kind, const std::filesystem::path& file);

  Complaints* complaints_;
  std::map<std::filesystem::path, NodePtr> opened_;
};

/// "model", "accelerator", "cluster", "job", "file of measured jobs": one config of a kind.
std::string noun_of(ConfigKind kind);

/// The name of a config that says none: its file's, without directory and extension; `fallback` where it does
/// not stand in a file of its own.
std::string name_from_file(const Place& place, const std::string& fallback);

/// A name has neither a slash nor the extension of a file; whatever has is a path.
bool is_path(const std::string& reference);

/// Where the file of a bundled config would be; whether it is there is another question.
std::filesystem::path bundled_path(ConfigKind kind, const std::string& name);

/// Why there is no bundled config of this name.
std::string no_such_config(ConfigKind kind, const std::string& name);

}  // namespace foreshard
