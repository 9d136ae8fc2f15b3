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

/// One rank's place in a run under mpirun, from MPI_Init to MPI_Finalize. The program's main holds one,
/// outside its try block: what is caught there goes to end_run.
class MpiSession {
 public:
  /// All ranks together. Where the ranks have not met after the timeout the run ends with exit code 3, and so
  /// it does from here on where one of them is silent for as long, until watch() says more.
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

  /// Ranks that share this host, and this rank's place among them.
  [[nodiscard]] std::int64_t local_ranks() const { return local_ranks_; }
  [[nodiscard]] std::int64_t local_rank() const { return local_rank_; }
  /// Cores on which the ranks of this host may run, all together.
  [[nodiscard]] std::int64_t host_cores() const { return host_cores_; }
  /// Cores on which this rank may run.
  [[nodiscard]] std::int64_t own_cores() const { return own_cores_; }
  /// The rank's share of the host's cores, within those it is bound to; at least 1.
  [[nodiscard]] std::int64_t threads_per_rank() const;
  /// More ranks than cores.
  [[nodiscard]] bool oversubscribed() const { return local_ranks_ > host_cores_; }
  /// "rank 0 on host a: cores 0-3"
  [[nodiscard]] std::string binding() const;

  /// What this rank is doing; communicators and executors write to it.
  [[nodiscard]] OperationNote& note() const { return *note_; }

  /// From here on an operation that lasts longer than `timeout` is taken for a hang: the run ends with exit
  /// code 3 and a message that says who waits for whom. All ranks together.
  void watch(const DeviceMesh& mesh, Seconds timeout);
  /// Whether this rank is the one that says why the run ends. True for one rank of the run.
  [[nodiscard]] bool may_speak() const;

  /// One number of every rank, on every rank. All ranks together.
  [[nodiscard]] std::vector<std::uint64_t> gather(std::uint64_t value) const;

 private:
  void look_around_host();

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
