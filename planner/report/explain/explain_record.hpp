#pragma once

#include <span>

#include "planner/report/record.hpp"
#include "planner/results/explained_job.hpp"

namespace foreshard::report {

/// The result of `explain` for programs: the fields of `plan`, then `explain.waterfall`, `explain.worth`,
/// `explain.critical_path` and `explain.sentences`.
Record explain_record(std::span<const ExplainedJob> jobs);

}  // namespace foreshard::report
