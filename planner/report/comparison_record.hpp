#pragma once

#include "planner/report/record.hpp"
#include "planner/search/comparison.hpp"

namespace foreshard::report {

/// `variants`, a row each: compare_fields, and `estimate`, the keys of a plan, or null where there is none;
/// and `verdict` (verdict_fields).
Record comparison_record(const Comparison& comparison);

}  // namespace foreshard::report
