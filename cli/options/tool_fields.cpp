#include "cli/options/tool_fields.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "planner/spec/library/config_kind.hpp"
#include "planner/spec/yaml/input_file.hpp"

namespace foreshard::cli {
namespace {

namespace fs = std::filesystem;

/// The path of a file from a folder above it; none if it is elsewhere.
std::optional<std::string> below(const fs::path& folder, const fs::path& file) {
  const fs::path relative = file.lexically_relative(folder.lexically_normal());
  if (relative.empty() || *relative.begin() == "..") return std::nullopt;
  return relative.string();
}

std::string portable_name(const std::string& name) {
  const fs::path file = fs::path(name).lexically_normal();
  if (!file.is_absolute()) {
    // $FORESHARD_CONFIGS may be a relative path.
    if (const auto bundled = below(configs_directory(), file); bundled && !configs_directory().is_absolute())
      return "configs/" + *bundled;
    return name;
  }
  if (const auto bundled = below(configs_directory(), file)) return "configs/" + *bundled;
  std::error_code no_error;
  return below(fs::current_path(no_error), file).value_or(name);
}

}  // namespace

report::Fields tool_fields() {
  std::vector<std::pair<std::string, std::string>> inputs;
  for (InputDigest& input : noted_inputs())
    inputs.emplace_back(portable_name(input.name), std::move(input.sha256));
  std::sort(inputs.begin(), inputs.end());
  report::FieldRows rows;
  for (auto& [name, sha256] : inputs)
    rows.rows.push_back({{"name", std::move(name)}, {"sha256", std::move(sha256)}});
  const std::string git = git_hash();
  return {{"tool.version", std::string(FORESHARD_VERSION)},
          {"tool.git", git.empty() ? report::FieldValue() : report::FieldValue(git)},
          {"tool.inputs", std::move(rows)}};
}

}  // namespace foreshard::cli
