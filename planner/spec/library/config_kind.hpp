#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace foreshard {

/// The folder of the bundled configs: $FORESHARD_CONFIGS, else configs/ of the installed package or the
/// source tree.
std::filesystem::path configs_directory();

enum class ConfigKind : std::uint8_t { models, accelerators, clusters, jobs, measured };
/// Names of the bundled configs of one kind, sorted. @throws SpecError where there are no bundled configs.
std::vector<std::string> bundled_names(ConfigKind kind);
/// The file of a bundled config. @throws SpecError that suggests the nearest name, if there is none of this
/// name.
std::filesystem::path bundled_file(ConfigKind kind, const std::string& name);

}  // namespace foreshard
