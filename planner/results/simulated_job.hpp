#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/program/ops/op.hpp"
#include "planner/results/planned_job.hpp"
#include "planner/results/played_trainings.hpp"
#include "planner/results/step_outline.hpp"
#include "planner/topology/group.hpp"
#include "planner/topology/route.hpp"
#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// How a simulation computes the time of communication.
enum class NetworkModel : std::uint8_t {
  alpha_beta,  ///< each communication takes its time without contention, by the cost model
  flow         ///< communications are flows that share the cluster's links
};

/// How one rank spent its step: compute + optimizer + exposed + host + bubble is the step time.
struct SimulatedRank {
  StageId stage;
  double slowed_by = 1.0;                         ///< its kernels take this many times as long as planned
  Seconds compute;                                ///< kernels other than the optimizer's
  Seconds optimizer;                              ///< kernels of gradient zeroing, norm and update
  std::array<Seconds, kCommAxisCount> exposed{};  ///< communication not hidden by kernels, by CommAxis
  Seconds host;                                   ///< waits for the host to submit kernels
  Seconds bubble;                                 ///< waits for other ranks
  Bytes peak;                                     ///< peak memory
};

/// The operations on the critical path with the same component, kind and phase.
struct PathPart {
  Component component = Component::ffn;
  std::string kind;
  Phase phase = Phase::forward;
  std::int64_t operations = 0;
  Seconds time;
};

/// The load of one link during the step; it stands for all links with the same load.
struct SimulatedLink {
  ClusterLink link;
  std::string name;        ///< "nic 3 → leaf switch 3"
  std::int64_t alike = 1;  ///< number of links with this load, with this one
  double bytes = 0.0;
  double busy = 0.0;  ///< bytes divided by what the link could have carried in the step
};

/// Distribution of the step time over several random draws.
struct DrawnSteps {
  std::size_t draws = 0;
  Seconds fifth;  ///< 5% quantile: one draw in twenty is shorter
  Seconds median;
  Seconds ninety_fifth;
};

/// A second job that shares the fabric.
struct OtherJob {
  std::string name;
  Seconds step;
  Seconds alone;  ///< its step time without the first job
};

/// The simulated step of a job.
struct SimulatedStep {
  NetworkModel network = NetworkModel::alpha_beta;
  Seconds time;
  std::vector<SimulatedRank> ranks;  ///< one rank of each stage, or every rank
  bool has_every_rank = false;
  std::vector<PathPart> path;          ///< the critical path, most time first; empty if ranks differ
  std::uint64_t operations = 0;        ///< number of simulated operations
  std::optional<Seconds> undisturbed;  ///< step time without disturbances, if there were any
  std::uint64_t seed = 0;              ///< of the draw that is shown; with several draws, the median one
  std::optional<DrawnSteps> drawn;     ///< only with several draws
  std::vector<SimulatedLink> links;    ///< links that carried data, the busiest first; only with flows
  std::optional<OtherJob> beside;
  std::optional<StepOutline> outline{};  ///< only if it was asked for
};

/// The result of `simulate` for one job.
struct SimulatedJob {
  PlannedJob planned;  ///< the plan, with the times of the simulated step
  SimulatedStep simulation;
  std::optional<PlayedTrainings> trainings;  ///< if the job has a length and failures
};

}  // namespace foreshard
