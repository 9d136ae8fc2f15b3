#pragma once

#include <string>

#include "planner/report/field.hpp"

namespace foreshard::cli {

/// The commit that the tool was built from, as 12 hexadecimal digits; with "-dirty" if sources were changed
/// since; empty if they were no git checkout. The build writes its source.
std::string git_hash();

/// What an answer needs so that it can be computed again: tool.version, tool.git, and tool.inputs, the files
/// that this thread has read since forget_inputs, each with its SHA-256. Names do not depend on the machine: bundled
/// files are called configs/…, files below the current directory by their path from there.
report::Fields tool_fields();

}  // namespace foreshard::cli
