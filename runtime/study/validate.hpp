#pragma once

#include <functional>
#include <optional>

#include "planner/cost/step/lane_player.hpp"
#include "planner/program/schedule/timeline.hpp"
#include "planner/program/step_program.hpp"
#include "planner/results/predicted_step.hpp"
#include "planner/results/study_progress.hpp"
#include "planner/results/validation.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// A callback that gets the times from which a step was predicted, and the measured timeline of one rank of
/// every stage.
using TimelinesListener =
    std::function<void(const StepProgram& program, const OpTimes& times, const Timeline& measured)>;

/// Options of a validation.
struct ValidationOptions {
  /// Predicts the step. Passed in as a function because the runtime does not include the simulator;
  /// predict_step of sim/study does this.
  StepPredictor predict;
  int steps = 20;
  int warm_up = 3;
  Basis basis = Basis::replay;
  bool both = false;     ///< also predict on the other basis
  bool numerics = true;  ///< compare with the unsharded run
  std::optional<double> tolerance{};
  int threads = 0;  ///< per rank; 0: its share of the cores
  Seconds timeout{60.0};
  TimelinesListener timelines{};  ///< set on all ranks or on none; without it no timeline is gathered
  StudyProgress progress{};
};

/// Predicts the job, runs it on all ranks, and compares the two. A collective call of all ranks; all get the
/// same figures. @throws std::runtime_error if there is not enough memory; CommunicationError
/// @pre options.predict is set; there are as many ranks as the job has devices, and they can execute the job
Validation validate_job(MpiSession& session, const JobSpec& job, const ValidationOptions& options);

/// Runs one rank's share of the job on this machine's device and predicts the part of the other ranks.
/// Kernels are measured; the times of communication and other stages come from the cost model. The step is
/// predicted from both.
/// @throws as validate_job. @pre the session has one rank; numerics, both and timelines are not asked for
Validation validate_shard(MpiSession& session, const JobSpec& job, Rank rank,
                          const ValidationOptions& options);

}  // namespace foreshard
