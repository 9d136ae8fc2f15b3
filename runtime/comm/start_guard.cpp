#include "runtime/comm/start_guard.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "runtime/comm/end_run.hpp"
#include "runtime/comm/signals_blocked.hpp"

namespace foreshard {
namespace {

/// Rank r waits 0.2·r s longer than rank 0, so that only one rank prints before mpirun ends the others.
Seconds timeout_of_this_rank(Seconds timeout) {
  constexpr double kSecondsPerRank = 0.2;
  const char* const rank = std::getenv("OMPI_COMM_WORLD_RANK");
  return timeout + Seconds(rank == nullptr ? 0.0 : kSecondsPerRank * std::strtod(rank, nullptr));
}

}  // namespace

StartGuard::StartGuard(Seconds timeout) {
  const SignalsBlocked inherited_by_the_thread;
  thread_ = std::thread([this, timeout] { wait(timeout); });
}

StartGuard::~StartGuard() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void StartGuard::wait(Seconds timeout) {
  std::unique_lock lock(mutex_);
  const std::chrono::duration<double> limit(timeout_of_this_rank(timeout).value());
  if (changed_.wait_for(lock, limit, [this] { return is_over_; })) return;
  const std::string text = fmt::format(
      "no progress for {:.0f} s; the run is ended\n"
      "the ranks have not met at the start of the run\n"
      "hint: a rank is stopped, or its host cannot be reached\n",
      timeout.value());
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::_Exit(kEnvironmentFailed);
}

}  // namespace foreshard
