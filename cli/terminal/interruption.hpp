#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>

namespace foreshard::cli {

/// Registers a file as temporary: if SIGINT, SIGTERM, SIGQUIT or SIGHUP ends the process, the file is removed
/// first. A signal that was already ignored when the process started (nohup) stays ignored.
class TemporaryName {
 public:
  /// @throws EnvironmentError if the path is longer than the system allows
  explicit TemporaryName(const std::string& path);
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;
  ~TemporaryName();

 private:
  std::size_t slot_;
};

/// True once SIGINT has asked the process to stop. From the first call on, the first SIGINT only sets this; a second one
/// ends the process as if this had not been called.
const std::atomic<bool>& stop_on_interrupt();

/// The same for SIGTERM: mpirun sends it to all ranks when it is interrupted, and kills them a second later.
void stop_on_termination();
/// The signal that asked the process to stop, if one did.
std::optional<int> stopping_signal();
/// Ends the process as the signal does where nobody handles it.
[[noreturn]] void end_by_signal(int signal);

/// Registers the width of an unfinished line on standard error's terminal; the same signals erase it. 0: no
/// line.
void note_unfinished_line(std::size_t columns);

}  // namespace foreshard::cli
