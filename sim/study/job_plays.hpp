#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "planner/cost/step/lane_player.hpp"
#include "planner/program/schedule/timeline.hpp"
#include "planner/program/step_program.hpp"
#include "planner/results/study_progress.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "sim/disturb/disturbance.hpp"
#include "sim/network/play_on_network.hpp"
#include "sim/study/simulate_job.hpp"

namespace foreshard {

/// A job prepared for simulation, alone or together with another job.
struct PlayableJob {
  JobSpec job;
  StepProgram program;
  OpTimes times;
  SimulationOptions options;

  explicit PlayableJob(JobSpec spec);
};

/// Simulates the steps that a request asks for, each with one random draw of the disturbances. Keeps a
/// reference to the request.
class JobPlays {
 public:
  /// @throws RequestError if the request does not fit the job
  JobPlays(const JobSpec& job, const SimulationRequest& request);

  [[nodiscard]] const PlayableJob& playable() const { return playable_; }
  /// The disturbance drawn with this seed. @throws RequestError for a slowdown of a rank that does not exist
  [[nodiscard]] Disturbance drawn(std::uint64_t seed) const;

  /// Simulates the step with all details. @param timeline  receives the timeline; null if it is not wanted
  [[nodiscard]] NetworkResult play(const Disturbance& disturbance, TimelineSink* timeline,
                                   const StudyProgress& progress) const;
  /// The step time of the job alone, without disturbances.
  [[nodiscard]] SimTime undisturbed() const;
  /// The step time of the other job if it has the fabric to itself. @pre there is another job
  [[nodiscard]] SimTime other_alone() const;

 private:
  [[nodiscard]] Fabric make_fabric(std::span<const Degradation> degraded) const;
  [[nodiscard]] NetworkResult play_alone(const SimulationOptions& options, TimelineSink* timeline) const;
  [[nodiscard]] bool has_flows() const { return request_.network == NetworkModel::flow; }
  /// The job, placed on its devices of the fabric.
  [[nodiscard]] NetworkJob on_network(const SimulationOptions& options, TimelineSink* timeline) const;

  const SimulationRequest& request_;
  PlayableJob playable_;
  std::optional<PlayableJob> other_;
  std::optional<Fabric> fabric_;
  std::vector<std::vector<Rank>> devices_;
};

}  // namespace foreshard
