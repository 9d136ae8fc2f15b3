#pragma once

#include <string>
#include <string_view>

#include "planner/diagnose/diagnosis.hpp"

namespace foreshard::report {

/// The key of a part in machine-readable results: "tp_exposed".
std::string_view diagnosed_key(DiagnosedPart part);
/// The part as a row: "tp exposed".
std::string_view diagnosed_name(DiagnosedPart part);

/// What stands out about a part: "12% slower than planned", "the plan hides it"; empty if it is as planned, or too
/// small to matter.
std::string diagnosed_remark(DiagnosedPart part, const TraceDiagnosis& trace);

}  // namespace foreshard::report
