#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/report/planned_job.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "sim/disturb/disturbance.hpp"
#include "sim/disturb/over_seeds.hpp"
#include "sim/network/play_on_network.hpp"
#include "sim/step/simulation_result.hpp"

namespace foreshard::cli {

/// How a job is to be simulated.
struct SimulationRequest {
  bool flows = false;  ///< communications share links; else each takes what the cost model says
  bool every_rank = false;
  DisturbanceSpec disturbance{};
  std::vector<Degradation> degraded{};  ///< with flows
  std::uint64_t seed = 1;
  std::size_t seeds = 1;
  std::optional<JobSpec> beside{};  ///< another job on the same fabric, with flows
  Placement placement = Placement::packed;
  std::string trace{};  ///< a path; empty: none
  bool trace_all_ranks = false;
  std::optional<std::int64_t> trace_micro_batches{};  ///< so many, from the first on; none: all
};

/// A job, what was planned of it with simulated times, and the simulation itself.
struct SimulatedJob {
  PlannedJob planned;
  SimulationResult simulation;
  bool flows = false;
  bool every_rank = false;
  std::optional<SimTime> undisturbed;  ///< the same with nothing in its way, where something was
  std::vector<SeededStep> seeds;       ///< of all draws, shortest first, where there were several
  std::uint64_t seed = 0;              ///< that the simulation was drawn from
  Disturbance disturbance;
  std::vector<LinkLoad> links;  ///< busiest first

  /// The other job on the fabric.
  struct OtherJob {
    std::string name;
    SimTime step;
    SimTime alone;
  };
  std::optional<OtherJob> beside;
};

/// Simulates a job; writes the trace if one is asked for. Of several draws the one whose step is the median
/// is shown in detail. @throws UsageError where the request does not fit the job
SimulatedJob simulate_job(JobSpec job, const SimulationRequest& request);

}  // namespace foreshard::cli
