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

/// A thread on each rank that ends the run, once and with one message, when the run hangs.
///
/// Every tick, each rank's thread reads the rank's OperationNote and sends it to the first and the last rank.
/// The first rank judges whether the run hangs. The last rank judges if the first one does not answer. Any
/// other rank judges only itself, and only after twice the timeout, which means that neither of the two has
/// ended the run. The judge prints who waits for whom, tells all ranks to end, and ends. It does not call
/// MPI, because MPI may be what hangs. A run that was stopped as a whole (suspended, a laptop asleep)
/// continues.
///
/// Example: 4 ranks, timeout 60 s, so a tick of 1 s; a rank counts as not answering after 3 ticks.
///    0 s   ranks 0, 1 and 2 enter all-reduce 17 of the world; rank 3 computes "qkv" in an endless loop
///   60 s   rank 0 finds that an operation has not changed for 60 s: it prints "waiting in all-reduce number
///          17 …", with ranks 0, 1, 2 waiting and rank 3 computing, sends `end` to ranks 1, 2, 3 and exits with 3
/// If rank 0 itself is stopped (SIGSTOP), rank 3 hears nothing from it for 3 s and judges from then on: after
/// 60 s of silence it reports rank 0 as not answering.
class Watchdog {
 public:
  /// All ranks call it together. Nothing is judged before watch(). `session` must outlive this object.
  explicit Watchdog(const MpiSession& session);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// From now on an operation that lasts longer than `timeout` ends the run with exit code 3.
  void watch(const DeviceMesh& mesh, Seconds timeout);

  /// Whether this rank shall print why the run ends. True on one rank of the run only. Asks the first rank;
  /// no answer within half a second counts as yes.
  bool may_report();

 private:
  using Clock = std::chrono::steady_clock;
  struct Watched {
    DeviceMesh mesh;
    HangLimits limits;
  };

  void run();
  void send_own_status(Clock::time_point now);
  void receive_until(Clock::time_point end);
  void handle(const StatusMessage& message);
  void answer(Rank asking);
  void judge(Clock::time_point now);
  [[nodiscard]] bool is_judge(const HangLimits& limits) const;
  void discount(Clock::duration stopped);
  [[nodiscard]] Rank last() const { return Rank(statuses_.size() - 1); }

  const MpiSession& session_;
  StatusExchange exchange_;
  std::atomic<bool> stop_{false};

  std::mutex mutex_;  ///< guards watched_ and granted_
  std::condition_variable answered_;
  std::optional<Watched> watched_;
  std::optional<bool> granted_;
  std::atomic<bool> reporter_chosen_{false};  ///< used on the first rank

  // Only the watchdog's thread uses these.
  std::vector<RankStatus> statuses_;
  std::vector<Clock::time_point> heard_at_;
  Clock::time_point unchanged_since_;
  std::thread thread_;
};

}  // namespace foreshard
