#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "planner/topology/device_mesh.hpp"
#include "planner/units/quantity.hpp"
#include "runtime/comm/hang_report.hpp"
#include "runtime/comm/status_exchange.hpp"

namespace foreshard {

class MpiSession;

/// A thread beside each rank that sees to it that the run ends, once and with one message, when it cannot go
/// on.
///
/// Every tick, each rank's thread reads the rank's OperationNote and tells the first and the last rank of it.
/// The first one judges; the last one does where the first does not answer, and any rank for itself where
/// neither does. The judge says who waits for whom, tells all ranks to end, and ends: MPI, which may be what
/// hangs, is not asked. A run that was stopped as a whole (suspended, a laptop asleep) goes on unharmed.
class Watchdog {
 public:
  /// All ranks together. Judges nothing before watch(). `session` outlives this.
  explicit Watchdog(const MpiSession& session);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// From here on an operation that lasts longer than `timeout` ends the run with exit code 3.
  void watch(const DeviceMesh& mesh, Seconds timeout);

  /// Whether this rank is the one that says why the run ends. True for one rank of the run; asks the first
  /// rank, and takes half a second of silence for a yes.
  bool may_speak();

 private:
  using Clock = std::chrono::steady_clock;
  struct Watched {
    DeviceMesh mesh;
    HangLimits limits;
  };

  void run();
  void tell_of_self(Clock::time_point now);
  void listen_until(Clock::time_point end);
  void hear(const StatusMessage& message);
  void answer(Rank asking);
  void judge(Clock::time_point now);
  [[nodiscard]] bool is_judge(const HangLimits& limits) const;
  void forgive(Clock::duration lost);
  [[nodiscard]] Rank last() const { return Rank(statuses_.size() - 1); }

  const MpiSession& session_;
  StatusExchange exchange_;
  std::atomic<bool> stop_{false};

  std::mutex mutex_;  ///< of the three below
  std::condition_variable answered_;
  std::optional<Watched> watched_;
  std::optional<bool> granted_;
  std::atomic<bool> someone_speaks_{false};  ///< on the first rank

  // The thread's own.
  std::vector<RankStatus> statuses_;
  std::vector<Clock::time_point> heard_at_;
  Clock::time_point unchanged_since_;
  std::thread thread_;
};

}  // namespace foreshard
