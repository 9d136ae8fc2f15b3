#pragma once

#include <string>

namespace foreshard {

/// A JSON Schema (draft 7) of one job of a job file: keys and their descriptions from the readers' own
/// tables, words from the enumerations'. Editors complete and check YAML with it. It sees structure only:
/// whether numbers go together is found when the file is read.
std::string job_schema_json();

}  // namespace foreshard
