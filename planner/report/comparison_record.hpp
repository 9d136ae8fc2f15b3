#pragma once

#include "planner/report/record.hpp"
#include "planner/search/comparison.hpp"

namespace foreshard::report {

/// The keys are `variants`, with a row for each: compare_fields, and `estimate` with the keys of a plan, or
/// null if there is none; and `verdict` (verdict_fields).
Record comparison_record(const Comparison& comparison);

}  // namespace foreshard::report
