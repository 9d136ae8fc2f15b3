#pragma once

#include <filesystem>
#include <optional>
#include <sys/types.h>

namespace foreshard::cli {

/// Where what is written under a path goes.
struct OutputTarget {
  enum class Kind {
    fresh,      ///< there is no such file yet
    replaced,   ///< a regular file, which the finished output replaces
    device,     ///< a device or a FIFO: written to as it is
    descriptor  ///< open in this process already, such as /dev/stdout: written to from where it stands
  };
  Kind kind = Kind::fresh;
  std::filesystem::path file;  ///< symbolic links followed
  int descriptor = -1;
  /// Of a file that is replaced.
  mode_t mode = 0;
  uid_t owner = 0;
  gid_t group = 0;
};

/// @throws UsageError for a directory, for an input of this process (refuse_input), and for the file that
/// standard output or standard error goes to under its own path; EnvironmentError for a file that may not be
/// written
OutputTarget output_target(const std::filesystem::path& place);

/// @throws UsageError if `file` is one that this process has read
void refuse_input(const std::filesystem::path& place, const std::filesystem::path& file);

}  // namespace foreshard::cli
