#pragma once

#include <filesystem>
#include <optional>
#include <sys/types.h>

namespace foreshard::cli {

/// What a path for output refers to, which decides how it is written.
struct OutputTarget {
  enum class Kind {
    fresh,      ///< no such file exists yet
    replaced,   ///< a regular file, which the finished output replaces
    device,     ///< a device or a FIFO: written to directly
    descriptor  ///< already open in this process, such as /dev/stdout: written to at its current position
  };
  Kind kind = Kind::fresh;
  std::filesystem::path file;  ///< the path with symbolic links resolved
  int descriptor = -1;
  /// Mode, owner and group of a file that is replaced.
  mode_t mode = 0;
  uid_t owner = 0;
  gid_t group = 0;
};

/// Finds out what a path for output refers to.
/// @throws UsageError for a directory, for an input of this process (refuse_input), and for the path of the
/// file to which standard output or standard error is redirected; EnvironmentError for a file that may not be
/// written
OutputTarget output_target(const std::filesystem::path& place);

/// Makes sure that output does not overwrite an input. @throws UsageError if this process has read `file`
void refuse_input(const std::filesystem::path& place, const std::filesystem::path& file);

}  // namespace foreshard::cli
