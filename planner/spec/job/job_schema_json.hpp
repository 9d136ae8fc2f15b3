#pragma once

#include <string>

namespace foreshard {

/// Returns the JSON Schema (draft 7) of one job of a job file, with which editors complete and check YAML.
/// Keys and their descriptions come from the readers' tables, words from those of the enumerations. The
/// schema checks the structure only; whether the numbers are consistent is checked when the file is read.
std::string job_schema_json();

}  // namespace foreshard
