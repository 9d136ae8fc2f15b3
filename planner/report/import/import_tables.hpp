#pragma once

#include <string>

#include "planner/fit/gemm_table.hpp"
#include "planner/fit/import_links.hpp"
#include "planner/report/record.hpp"

namespace foreshard {

/// The fitted links, and for each test and size the measured bus bandwidth beside the planner's own, before and with
/// the fit.
std::string links_table(const ImportedLinks& imported);
/// The fitted rates, and for each product the measured rate beside the planner's own.
std::string gemms_table(const ImportedGemms& imported);

namespace report {

/// The same for programs: `cluster.*`, and `tests`, a row for each size.
Record links_record(const ImportedLinks& imported);
/// `accelerator.*`, and `products`.
Record gemms_record(const ImportedGemms& imported);

}  // namespace report
}  // namespace foreshard
