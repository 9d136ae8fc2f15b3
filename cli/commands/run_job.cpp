#include "cli/commands/run_job.hpp"

#include <filesystem>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/options/job_input.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/json/program_json.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/before_run.hpp"
#include "runtime/execute/runtime_limits.hpp"
#include "runtime/study/executable_overlap.hpp"
#include "runtime/study/run_device.hpp"

namespace foreshard::cli {
namespace {

std::int64_t count_hosts(const MpiSession& session) {
  return static_cast<std::int64_t>(std::set(session.hosts().begin(), session.hosts().end()).size());
}

JobSpec load_one(const std::string& job, const std::vector<Override>& overrides) {
  std::vector<JobSpec> jobs = load_named_jobs(job, overrides);
  if (jobs.size() > 1)
    throw UsageError(fmt::format("'{}' holds {} jobs; a run executes one", job, jobs.size()));
  return std::move(jobs.front());
}

void require_device(const JobSpec& job, const JobSource& source) {
  const auto complaint = device_complaint(job.cluster.accelerator);
  if (complaint) throw UsageError(fmt::format("'{}' is {}", source.job, *complaint));
}

/// Checks that the product of the job's degrees except dp divides the number of ranks; dp is the quotient.
void require_ranks(const MpiSession& session, const JobSpec& as_written, const JobSource& source) {
  ParallelismSpec least = as_written.parallelism;
  least.dp = 1;
  const std::int64_t devices = DeviceMesh(least).devices();
  if (session.size() % devices == 0) return;
  const auto complaint = rank_count_complaint(least, session.size(), source.command);
  if (complaint) throw UsageError(*complaint);
}

/// Loads the job on a cluster that has a device for every rank. If the job is not valid with that many
/// devices, the job as it is written tells how many it needs.
JobSpec load_for_ranks(const MpiSession& session, const JobSource& source, std::vector<Override> overrides) {
  std::optional<JobSpec> as_written;
  try {
    as_written = load_one(source.job, overrides);
  } catch (const SpecError&) {
    // The complaints may only be about the number of devices, which is replaced below. If not, they are
    // raised again there.
  }
  if (as_written) require_device(*as_written, source);
  // CPUs overlap nothing in any case.
  if (as_written && !as_written->cluster.accelerator.is_cpu)
    overrides.push_back({"training.overlap", executable_overlap(*as_written)});
  overrides.push_back({"cluster.devices_per_node", std::to_string(session.local_ranks())});
  overrides.push_back({"cluster.nodes", std::to_string(count_hosts(session))});
  try {
    JobSpec job = load_one(source.job, overrides);
    require_device(job, source);
    return job;
  } catch (const SpecError&) {
    if (as_written) require_ranks(session, *as_written, source);
    throw;
  }
}

std::vector<Override> overrides_of(const JobSource& source) {
  if (source.job == "-") throw UsageError("standard input reaches one rank alone: name a file");
  std::vector<Override> overrides;
  if (!source.cluster.empty()) {
    const bool is_file = std::filesystem::exists(source.cluster);
    overrides.push_back(
        {"cluster", is_file ? std::filesystem::absolute(source.cluster).string() : source.cluster});
  }
  // Settings come after the cluster, because they may change its keys.
  for (Override& setting : parse_settings(source.settings)) overrides.push_back(std::move(setting));
  return overrides;
}

void require_executable(const JobSpec& job, const JobSource& source) {
  const std::vector<std::string> lacks = what_the_runtime_lacks(job);
  if (!lacks.empty())
    throw UsageError(fmt::format("'{}' cannot be executed:\n  {}", source.job, fmt::join(lacks, "\n  ")));
}

}  // namespace

void require_same(const MpiSession& session, const std::string& own, std::string_view what) {
  const std::vector<std::uint64_t> prints = session.gather(fingerprint(own));
  if (const auto complaint = difference_complaint(prints, session.hosts(), what))
    throw UsageError(*complaint);
}

JobSpec load_runnable_job(const MpiSession& session, const JobSource& source) {
  JobSpec job = load_for_ranks(session, source, overrides_of(source));
  if (const auto complaint = rank_count_complaint(job.parallelism, session.size(), source.command))
    throw UsageError(*complaint);
  require_executable(job, source);
  require_same(session, FORESHARD_VERSION, "version of foreshard-run");
  require_same(session, to_json(build_step_program(job)), "job");
  return job;
}

JobSpec load_shard_job(const MpiSession& session, const JobSource& source, Rank rank) {
  if (session.size() > 1)
    throw UsageError(
        fmt::format("--shard runs one rank's share on one device, not on {} ranks: start {} "
                    "without mpirun",
                    session.size(), source.command));
  JobSpec job = load_one(source.job, overrides_of(source));
  require_device(job, source);
  const std::int64_t devices = DeviceMesh(job.parallelism).devices();
  if (rank.value() >= devices)
    throw UsageError(fmt::format("--shard rank={}: the job's ranks are 0 to {}", rank.value(), devices - 1));
  require_executable(job, source);
  return job;
}

}  // namespace foreshard::cli
