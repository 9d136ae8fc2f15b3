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

/// Hears the times from which a step was predicted, and the measured timeline of one rank of every stage.
using TimelinesListener =
    std::function<void(const StepProgram& program, const OpTimes& times, const Timeline& measured)>;

/// What a validation is to do beside measuring.
struct ValidationOptions {
  /// Predicts the step. The runtime does not simulate: predict_step of sim/study does.
  StepPredictor predict;
  int steps = 20;
  int warm_up = 3;
  Basis basis = Basis::replay;
  bool both = false;     ///< predict on the other basis too
  bool numerics = true;  ///< compare with the unsharded run
  std::optional<double> tolerance{};
  int threads = 0;  ///< per rank; 0: its share of the cores
  Seconds timeout{60.0};
  TimelinesListener timelines{};  ///< on all ranks or on none; on none no timeline is gathered
  StudyProgress progress{};
};

/// Predicts the job, runs it on all ranks, and lays one beside the other. All ranks together; all get the
/// same figures. @throws std::runtime_error where memory does not suffice; CommunicationError
/// @pre options.predict is there; the ranks are as many as the job's devices and can execute it
Validation validate_job(MpiSession& session, const JobSpec& job, const ValidationOptions& options);

/// Runs one rank's share of the job on this machine's device, the other ranks' part predicted: kernels are
/// measured, communication and other stages come from the cost model. The step is predicted with both.
/// @throws as validate_job. @pre the session has one rank; numerics, both and timelines are not asked for
Validation validate_shard(MpiSession& session, const JobSpec& job, Rank rank,
                          const ValidationOptions& options);

}  // namespace foreshard
