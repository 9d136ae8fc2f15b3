#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <vector>

#include "planner/results/simulated_job.hpp"
#include "planner/results/study_progress.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "sim/disturb/disturbance.hpp"
#include "sim/network/play_on_network.hpp"

namespace foreshard {

/// The trace of a simulated step, in Chrome's format.
struct TraceRequest {
  std::ostream& out;  ///< should be binary
  bool has_all_ranks = false;
  std::optional<std::int64_t> micro_batches{};  ///< so many, from the first on; none: all
};

/// How a job is to be simulated.
struct SimulationRequest {
  NetworkModel network = NetworkModel::alpha_beta;
  bool every_rank = false;
  DisturbanceSpec disturbance{};
  std::vector<Degradation> degraded{};  ///< with flows
  std::uint64_t seed = 1;
  std::size_t seeds = 1;
  std::optional<JobSpec> beside{};  ///< another job on the same fabric, with flows
  Placement placement = Placement::packed;
  std::optional<TraceRequest> trace{};
  StudyProgress progress{};
};

/// Simulates a job's step and, where the job says what fails, trainings with failures. Of several draws the
/// one whose step is the median is shown in detail. @throws RequestError where the request does not go
/// together with the job
SimulatedJob simulate_job(JobSpec job, const SimulationRequest& request);

}  // namespace foreshard
