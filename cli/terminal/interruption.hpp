#pragma once

#include <cstddef>
#include <string>

namespace foreshard::cli {

/// Says of a file that it is temporary: if SIGINT, SIGTERM, SIGQUIT or SIGHUP ends the process, the file is
/// removed first. A signal that the process was started to ignore (nohup) stays ignored.
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

/// Says how many columns of an unfinished line stand on the terminal behind standard error; the same signals
/// wipe them. 0: none.
void note_unfinished_line(std::size_t columns);

}  // namespace foreshard::cli
