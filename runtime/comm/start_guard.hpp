#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// Ends this process, and with it the run, if the guard is not destroyed before the timeout. It covers MPI's
/// start: there is no watchdog yet, and one rank that has stopped would make the others wait for ever.
class StartGuard {
 public:
  explicit StartGuard(Seconds timeout);
  ~StartGuard();
  StartGuard(const StartGuard&) = delete;
  StartGuard& operator=(const StartGuard&) = delete;

 private:
  void wait(Seconds timeout);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_over_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace foreshard
