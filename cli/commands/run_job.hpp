#pragma once

#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard::cli {

/// The job that a file or a bundled name holds, as the ranks of this run are to execute it: its cluster has a
/// device for every rank.
struct JobSource {
  std::string job{};
  std::string cluster;                ///< a cluster file that takes the place of the job's; or empty
  std::vector<std::string> settings;  ///< key=value
  std::string command;                ///< for advice: "foreshard-run validate job.yaml"
};

/// @throws UsageError where the job cannot be run here: wrong number of ranks, several jobs in one file, a
/// cluster of GPUs, operations that the runtime does not execute, ranks that read different jobs; SpecError
/// as load_jobs. All ranks together.
JobSpec load_runnable_job(const MpiSession& session, const JobSource& source);

/// The job as it is written, one rank's share of which is to run here; the other ranks need not exist.
/// @throws as load_runnable_job, and UsageError where there is no such rank
JobSpec load_shard_job(const MpiSession& session, const JobSource& source, Rank rank);

}  // namespace foreshard::cli
