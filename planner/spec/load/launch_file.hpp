#pragma once

#include <optional>
#include <string>
#include <vector>

#include "planner/spec/library/library.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// Files of training frameworks that describe a job.
enum class LaunchKind : std::uint8_t { megatron, torchtitan };

/// What kind of launch file this is: a shell script or arguments of Megatron-LM (.sh, .slurm, .sbatch, .args; or
/// a text that begins with "#!" or "--"), or torchtitan's TOML. None: another file.
std::optional<LaunchKind> launch_kind(const std::string& name, const std::string& text);
/// The same by the name alone.
std::optional<LaunchKind> launch_kind_by_name(const std::string& name);

/// The job that a launch file describes, with overrides applied, as the map of a job file. What such a file
/// cannot say, the cluster, must come from the overrides. Null, with complaints, if the file cannot be read.
NodePtr job_from_launch_file(LaunchKind kind, const SourcePtr& source, const std::string& text,
                             const std::vector<Override>& overrides, Library& library);

/// The key of a YAML file below which Megatron-LM's flags are.
inline constexpr const char* kLaunchArguments = "MODEL_ARGS";
/// True for a YAML document with such a map.
bool has_launch_arguments(const YamlNode& document);
/// As job_from_launch_file, for such a document.
NodePtr job_from_launch_arguments(const YamlNode& document, const std::vector<Override>& overrides,
                                  Library& library);

}  // namespace foreshard
