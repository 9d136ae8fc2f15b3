#pragma once

#include <span>
#include <string>

#include "planner/report/comparison_record.hpp"
#include "planner/report/estimate_record.hpp"
#include "planner/report/record.hpp"
#include "planner/report/score_record.hpp"
#include "planner/report/sweep_record.hpp"
#include "planner/report/validation_record.hpp"

/// Answers as the commands write them.
namespace foreshard {

inline std::string estimate_json(std::span<const PlannedJob> jobs) {
  return report::record_json(report::estimate_record(jobs));
}
inline std::string estimate_csv(std::span<const PlannedJob> jobs) {
  return report::record_csv(report::estimate_record(jobs));
}
inline std::string estimate_short_csv(std::span<const PlannedJob> jobs) {
  return report::record_short_csv(report::estimate_record(jobs));
}
inline std::string compare_json(const Comparison& comparison) {
  return report::record_json(report::comparison_record(comparison));
}
inline std::string compare_csv(const Comparison& comparison) {
  return report::record_csv(report::comparison_record(comparison));
}
inline std::string compare_short_csv(const Comparison& comparison) {
  return report::record_short_csv(report::comparison_record(comparison));
}
inline std::string score_json(const Score& score) { return report::record_json(report::score_record(score)); }
inline std::string score_csv(const Score& score) { return report::record_csv(report::score_record(score)); }
inline std::string validation_json(const JobSpec& job, const Validation& validation) {
  return report::record_json(report::validation_record(job, validation));
}
inline std::string sweep_json(const JobSpec& job, const Sweep& sweep) {
  return report::record_json(report::sweep_record(job, sweep));
}

}  // namespace foreshard
