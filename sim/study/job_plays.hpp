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

/// A job made ready to be played, alone or beside another.
struct PlayableJob {
  JobSpec job;
  StepProgram program;
  OpTimes times;
  SimulationOptions options;

  explicit PlayableJob(JobSpec spec);
};

/// Plays the steps that a request asks for, each time with one draw of what disturbs them. Keeps a reference
/// to the request.
class JobPlays {
 public:
  /// @throws RequestError where the request does not go together with the job
  JobPlays(const JobSpec& job, const SimulationRequest& request);

  [[nodiscard]] const PlayableJob& playable() const { return playable_; }
  /// @throws RequestError for the slowdown of a rank that is not there
  [[nodiscard]] Disturbance drawn(std::uint64_t seed) const;

  /// The step in full. @param timeline  where it is wanted, else null
  [[nodiscard]] NetworkResult play(const Disturbance& disturbance, TimelineSink* timeline,
                                   const StudyProgress& progress) const;
  /// The step alone, with nothing in its way.
  [[nodiscard]] SimTime undisturbed() const;
  /// The other job's step with the fabric for itself. @pre there is another job
  [[nodiscard]] SimTime other_alone() const;

 private:
  [[nodiscard]] Fabric make_fabric(std::span<const Degradation> degraded) const;
  [[nodiscard]] NetworkResult play_alone(const SimulationOptions& options, TimelineSink* timeline) const;
  [[nodiscard]] bool has_flows() const { return request_.network == NetworkModel::flow; }
  /// The job itself on its devices.
  [[nodiscard]] NetworkJob on_network(const SimulationOptions& options, TimelineSink* timeline) const;

  const SimulationRequest& request_;
  PlayableJob playable_;
  std::optional<PlayableJob> other_;
  std::optional<Fabric> fabric_;
  std::vector<std::vector<Rank>> devices_;
};

}  // namespace foreshard
