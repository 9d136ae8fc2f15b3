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

/// A request to write the trace of a simulated step in Chrome's format.
struct TraceRequest {
  std::ostream& out;  ///< should be open in binary mode
  bool has_all_ranks = false;
  std::optional<std::int64_t> micro_batches{};  ///< number to write, from the first on; none: all
};

/// How a job is to be simulated.
struct SimulationRequest {
  NetworkModel network = NetworkModel::alpha_beta;
  bool every_rank = false;
  DisturbanceSpec disturbance{};
  std::vector<Degradation> degraded{};  ///< degraded links; only with NetworkModel::flow
  std::uint64_t seed = 1;
  std::size_t seeds = 1;
  std::optional<JobSpec> beside{};  ///< another job on the same fabric; only with NetworkModel::flow
  JobPlacement placement = JobPlacement::packed;
  std::optional<TraceRequest> trace{};
  bool has_outline = false;  ///< also give the step's outline, to be drawn
  StudyProgress progress{};
};

/// Simulates a job's step and, if the job describes failures, trainings with failures. With several seeds,
/// the draw with the median step is reported in detail. @throws RequestError if the request does not fit the
/// job
SimulatedJob simulate_job(JobSpec job, const SimulationRequest& request);

}  // namespace foreshard
