#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "planner/spec/library/config_kind.hpp"
#include "planner/spec/yaml/complaints.hpp"
#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// Opens the configs to which a file refers by name or path. Each is opened once per Library.
class Library {
 public:
  explicit Library(Complaints& complaints) : complaints_(&complaints) {}

  [[nodiscard]] Complaints& complaints() const { return *complaints_; }

  /// The only document of the config that a scalar refers to. A name is that of a bundled config; a path is
  /// relative to the directory of the file that contains the scalar. Null, with a complaint about the key
  /// `path`, if there is no such config or the file cannot be read.
  NodePtr open(ConfigKind kind, const YamlNode& reference, const std::string& path);

 private:
  NodePtr open_file(ConfigKind kind, const std::filesystem::path& file);

  Complaints* complaints_;
  std::map<std::filesystem::path, NodePtr> opened_;
};

/// The noun for one config of a kind: "model", "accelerator", "cluster", "job", "file of measured jobs".
std::string noun_of(ConfigKind kind);

/// The name of a config without a `name`: that of its file, without directory and extension; `fallback` if it
/// is not in a file of its own.
std::string name_from_file(const Place& place, const std::string& fallback);

/// True if a reference is a path: it has a slash or the extension of a file. Else it is a name.
bool is_path(const std::string& reference);

/// The path that a bundled config of this name would have. The file may not exist.
std::filesystem::path bundled_path(ConfigKind kind, const std::string& name);

/// Why there is no bundled config of this name.
std::string no_such_config(ConfigKind kind, const std::string& name);

}  // namespace foreshard
