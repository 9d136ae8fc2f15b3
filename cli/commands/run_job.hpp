#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "planner/spec/types/job_spec.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard::cli {

/// Names a job for execution, and the changes that the command line makes to it.
struct JobSource {
  std::string job{};
  std::string cluster;                ///< a cluster file that replaces the job's cluster; or empty
  std::vector<std::string> settings;  ///< values of --set: key=value
  std::string command;                ///< the command for advice in errors: "foreshard-run validate job.yaml"
};

/// All ranks call it together. @throws UsageError if another rank has another text of this `what`
void require_same(const MpiSession& session, const std::string& own, std::string_view what);

/// Loads the job as the ranks of this run execute it: its cluster has a device for every rank. Called by all
/// ranks together.
/// @throws UsageError if the job cannot be run here: wrong number of ranks, several jobs in one file, a
/// cluster of GPUs, operations that the runtime does not execute, ranks that read different jobs; SpecError
/// as load_jobs.
JobSpec load_runnable_job(const MpiSession& session, const JobSource& source);

/// Loads the job unchanged, to run the share of one of its ranks here; the other ranks need not exist.
/// @throws as load_runnable_job, and UsageError if the job has no such rank
JobSpec load_shard_job(const MpiSession& session, const JobSource& source, Rank rank);

}  // namespace foreshard::cli
