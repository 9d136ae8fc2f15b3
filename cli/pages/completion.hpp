#pragma once

#include <string>
#include <vector>

#include "cli/options/option.hpp"
#include "planner/report/key_reference.hpp"

namespace foreshard::cli {

/// Completion scripts for shells: they complete a tool's commands, options and the options' values. Bundled
/// names are read from `foreshard list KIND --names` at completion time, so they match the installed configs;
/// everything else is in the script. @param keys  the keys that --set takes
std::string bash_completion(const ToolSpec& tool, const std::vector<JobKey>& keys);
std::string zsh_completion(const ToolSpec& tool, const std::vector<JobKey>& keys);
std::string fish_completion(const ToolSpec& tool, const std::vector<JobKey>& keys);

/// The tool's name as a valid name of a shell function: "_foreshard_run" for foreshard-run.
std::string function_name(const ToolSpec& tool);

/// Replaces every occurrence of `what` in the text by `by`.
void replace_all(std::string& text, const std::string& what, const std::string& by);

}  // namespace foreshard::cli
