#pragma once

#include <string>

namespace foreshard::cli {

/// One line on the terminal that says how far something long is; gone when it is done. Silent in a pipe.
/// Under mpirun a rank's own standard error is a pipe, so the terminal of the mpirun beside it counts.
class Progress {
 public:
  /// @param shown  whether this process is the one to speak: rank 0
  explicit Progress(bool shown);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(const std::string& what, int done, int of);

 private:
  void clear();

  bool shown_;
  std::size_t width_ = 0;  // of the line that stands there
};

}  // namespace foreshard::cli
