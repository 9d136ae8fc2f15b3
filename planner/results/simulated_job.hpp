#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/program/ops/op.hpp"
#include "planner/results/planned_job.hpp"
#include "planner/results/played_trainings.hpp"
#include "planner/topology/group.hpp"
#include "planner/topology/route.hpp"
#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What communications take in a simulation.
enum class NetworkModel : std::uint8_t {
  alpha_beta,  ///< each what it takes alone, by the cost model
  flow         ///< they are flows over the cluster's links, which all share
};

/// What one rank did with its step: compute + optimizer + exposed + host + bubble is the step's time.
struct SimulatedRank {
  StageId stage;
  double slowed_by = 1.0;                         ///< its kernels take so many times as long as planned
  Seconds compute;                                ///< kernels but for the optimizer's
  Seconds optimizer;                              ///< kernels of gradient zeroing, norm and update
  std::array<Seconds, kCommAxisCount> exposed{};  ///< communication that no kernel hides, by CommAxis
  Seconds host;                                   ///< waits for the host to submit kernels
  Seconds bubble;                                 ///< waits for other ranks
  Bytes peak;                                     ///< of its memory
};

/// Operations on the critical path that are alike in component, kind and phase.
struct PathPart {
  Component component = Component::ffn;
  std::string kind;
  Phase phase = Phase::forward;
  std::int64_t operations = 0;
  Seconds time;
};

/// What one link carried during the step, and others like it.
struct SimulatedLink {
  ClusterLink link;
  std::string name;        ///< "nic 3 → leaf switch 3"
  std::int64_t alike = 1;  ///< links, this one included, that carry the same
  double bytes = 0.0;
  double busy = 0.0;  ///< share of what it could have carried in that time
};

/// How the step's time spreads over several draws.
struct DrawnSteps {
  std::size_t draws = 0;
  Seconds fifth;  ///< one draw in twenty is shorter
  Seconds median;
  Seconds ninety_fifth;
};

/// The other job on the same fabric.
struct OtherJob {
  std::string name;
  Seconds step;
  Seconds alone;  ///< its step with the fabric for itself
};

/// A job's step as it was simulated.
struct SimulatedStep {
  NetworkModel network = NetworkModel::alpha_beta;
  Seconds time;
  std::vector<SimulatedRank> ranks;  ///< one that stands for each stage, or every rank
  bool has_every_rank = false;
  std::vector<PathPart> path;          ///< the critical path, most time first; empty where ranks differ
  std::uint64_t operations = 0;        ///< that were simulated
  std::optional<Seconds> undisturbed;  ///< the step with nothing in its way, where something was
  std::uint64_t seed = 0;              ///< of the draw that is shown: of several, the median
  std::optional<DrawnSteps> drawn;     ///< where there were several draws
  std::vector<SimulatedLink> links;    ///< that carried anything, the busiest first; with flows
  std::optional<OtherJob> beside;
};

/// What `simulate` answers about a job.
struct SimulatedJob {
  PlannedJob planned;  ///< with the simulated step's times
  SimulatedStep simulation;
  std::optional<PlayedTrainings> trainings;  ///< where the job says how long it trains and what fails
};

}  // namespace foreshard
