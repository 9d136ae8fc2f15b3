#pragma once

#include <optional>
#include <string>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/diagnose/planned_parts.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/topology/group.hpp"
#include "planner/trace/trace_sums.hpp"
#include "planner/trace/training_log.hpp"

namespace foreshard {

/// A traced collective beside the plan's, in one step.
struct DiagnosedCollective {
  TracedCollective traced;  ///< sums of one step
  double calls = 0.0;       ///< in one step
  std::optional<CommAxis> axis;
  std::optional<BytesPerSecond> bus;  ///< measured bus bandwidth; none if its size or group is unknown
  std::optional<BytesPerSecond> planned_bus;  ///< of the planner for the same collective
};

/// A traced step beside its plan. Figures are those of one step.
struct TraceDiagnosis {
  Seconds step;
  std::int64_t steps = 0;
  bool are_marked = false;
  PartTimes planned{};
  PartTimes measured{};
  std::vector<DiagnosedCollective> collectives;  ///< most time first
  std::int64_t kernels = 0;                      ///< in all steps
  std::optional<std::int64_t> rank;
  std::string device;
};

struct Diagnosis {
  Seconds planned;
  Seconds planned_low;
  Seconds planned_high;
  Seconds measured;      ///< of the log if there is one, else of the trace
  double reached = 0.0;  ///< planned / measured: the share of the plan's speed
  std::optional<TraceDiagnosis> trace;
  std::optional<LoggedTimes> log;
};

/// Lays a traced step beside the job's plan. @pre the trace has kernels
TraceDiagnosis diagnose_trace(const JobSpec& job, const Estimate& estimate, const TracedSteps& traced,
                              const TraceHeader& header);

/// @pre at least one of the two is there
Diagnosis diagnose(const Estimate& estimate, std::optional<TraceDiagnosis> trace,
                   std::optional<LoggedTimes> log);

}  // namespace foreshard
