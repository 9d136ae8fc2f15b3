#pragma once

#include <string>

#include "planner/report/csv.hpp"
#include "planner/search/comparison.hpp"

namespace foreshard {

/// One header and one row per variant: the keys of compare_json flattened with dots, those of `estimate`
/// empty where the variant is not legal; no verdict. Cells as in estimate_csv.
std::string compare_csv(const Comparison& comparison, report::CsvColumns columns = report::CsvColumns::all);

}  // namespace foreshard
