#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "planner/topology/device_mesh.hpp"
#include "planner/units/quantity.hpp"
#include "planner/units/strong_index.hpp"
#include "runtime/comm/operation_note.hpp"

namespace foreshard {

class Watchdog;

/// One rank of a run under mpirun, from MPI_Init to MPI_Finalize. The program's main creates it outside its
/// try block, so that the catch block can call end_run.
class MpiSession {
 public:
  /// All ranks call it together. The run ends with exit code 3 if not all ranks have arrived here within the
  /// timeout, and later if a rank is silent for as long, until watch() sets another limit.
  /// @throws CommunicationError
  MpiSession(int& argc, char**& argv, Seconds timeout = Seconds(60.0));
  /// Waits for all ranks.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  [[nodiscard]] Rank rank() const { return rank_; }
  [[nodiscard]] std::int64_t size() const { return size_; }
  /// "Open MPI 4.1.4"
  [[nodiscard]] const std::string& library() const { return library_; }
  /// The host of every rank.
  [[nodiscard]] const std::vector<std::string>& hosts() const { return hosts_; }
  [[nodiscard]] const std::string& host() const { return hosts_[rank_.at()]; }

  /// The number of ranks on this host, and this rank's position among them.
  [[nodiscard]] std::int64_t local_ranks() const { return local_ranks_; }
  [[nodiscard]] std::int64_t local_rank() const { return local_rank_; }
  /// The number of cores on which any rank of this host may run.
  [[nodiscard]] std::int64_t host_cores() const { return host_cores_; }
  /// The number of cores on which this rank may run.
  [[nodiscard]] std::int64_t own_cores() const { return own_cores_; }
  /// The number of threads for this rank: its share of the host's cores, at most own_cores(), at least 1.
  [[nodiscard]] std::int64_t threads_per_rank() const;
  /// Whether this host has more ranks than cores.
  [[nodiscard]] bool oversubscribed() const { return local_ranks_ > host_cores_; }
  /// "rank 0 on host a: cores 0-3"
  [[nodiscard]] std::string binding() const;

  /// The record of what this rank is doing. Communicators and executors write it, the watchdog reads it.
  [[nodiscard]] OperationNote& note() const { return *note_; }

  /// From now on an operation that lasts longer than `timeout` counts as a hang: the run ends with exit code
  /// 3 and a message that says who waits for whom. All ranks call it together.
  void watch(const DeviceMesh& mesh, Seconds timeout);
  /// Whether this rank shall print why the run ends. True on one rank of the run only.
  [[nodiscard]] bool may_report() const;

  /// Gives every rank the values of all ranks, by rank. All ranks call it together.
  [[nodiscard]] std::vector<std::uint64_t> gather(std::uint64_t value) const;

 private:
  void find_ranks_and_cores_of_host();

  Rank rank_{};
  std::int64_t size_ = 1;
  std::string library_;
  std::vector<std::string> hosts_;
  std::int64_t local_rank_ = 0;
  std::int64_t local_ranks_ = 1;
  std::int64_t own_cores_ = 1;
  std::int64_t host_cores_ = 1;
  std::string cores_;  ///< "0-3,8"
  std::unique_ptr<OperationNote> note_;
  std::unique_ptr<Watchdog> watchdog_;
  int exceptions_at_start_ = 0;
};

}  // namespace foreshard
