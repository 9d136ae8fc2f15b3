#pragma once

#include <string>
#include <vector>

#include "cli/options/option.hpp"
#include "planner/report/key_reference.hpp"

namespace foreshard::cli {

/// Scripts by which shells complete a tool's command line: its commands, options, and what these take.
/// Bundled names are asked of `foreshard list KIND --names` when they are wanted, so that they are those of
/// the configs at hand; everything else stands in the script.
/// @param keys  that --set takes
std::string bash_completion(const ToolSpec& tool, const std::vector<JobKey>& keys);
std::string zsh_completion(const ToolSpec& tool, const std::vector<JobKey>& keys);
std::string fish_completion(const ToolSpec& tool, const std::vector<JobKey>& keys);

/// "_foreshard_run" for foreshard-run: a name that functions in shells may have.
std::string function_name(const ToolSpec& tool);

/// Every `what` in the text is `by` then.
void replace_all(std::string& text, const std::string& what, const std::string& by);

}  // namespace foreshard::cli
