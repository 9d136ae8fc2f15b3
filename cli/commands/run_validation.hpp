#pragma once

#include <optional>
#include <string>

#include "cli/terminal/progress.hpp"
#include "planner/report/validation.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard::cli {

/// What a validation is to do beside predicting and measuring.
struct ValidationOptions {
  int steps = 20;
  int warm_up = 3;
  Basis basis = Basis::replay;
  bool both = false;     ///< predict on the other basis too
  bool numerics = true;  ///< compare with the unsharded run
  bool counting = true;  ///< count FLOPs, bytes and calls
  std::optional<double> tolerance{};
  std::string trace{};  ///< file for both timelines; or empty
  int threads = 0;      ///< per rank; 0: its share of the cores
  Seconds timeout{60.0};
};

/// Runs one rank's share of the job on this machine's device, the other ranks' part predicted: kernels are
/// measured, communication and other stages come from the cost model. The step is simulated with both.
Validation run_shard(MpiSession& session, const JobSpec& job, Rank rank, const ValidationOptions& options,
                     Progress& progress);

/// Predicts the job, runs it on all ranks, and lays one beside the other. All ranks together; all get the
/// same figures.
Validation run_validation(MpiSession& session, const JobSpec& job, const ValidationOptions& options,
                          Progress& progress);

}  // namespace foreshard::cli
