#pragma once

#include <string>

#include "planner/diagnose/diagnosis.hpp"
#include "planner/report/record.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The result of `diagnose` for people: what share of the plan's speed was reached; of a trace, each part beside the
/// plan's and the largest collectives; of a log, its times and a `measured` block for the job's file.
/// @param source of the log, for the block
std::string diagnosis_table(const JobSpec& job, const Diagnosis& diagnosis, const std::string& source);

namespace report {

/// The same for programs: diagnose.{reached, planned_s, measured_s, rows, collectives, log}.
Record diagnosis_record(const JobSpec& job, const Diagnosis& diagnosis);

}  // namespace report
}  // namespace foreshard
