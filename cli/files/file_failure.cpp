#include "cli/files/file_failure.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace foreshard::cli {
namespace {

std::string what_to_try(const std::filesystem::path& file, int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT: return "make room on this disk, or name a file on another one";
    case EACCES:
    case EPERM:
    case EROFS: return "name a file in a folder in which you may write";
    case ENOENT:
    case ENOTDIR:
      return fmt::format("create its folder first (mkdir -p '{}'), or name another file",
                         file.parent_path().string());
    case EFBIG: return "raise the limit on the size of files (ulimit -f), or write less";
    case EMFILE:
    case ENFILE: return "raise the limit on open files (ulimit -n)";
    default: return "name another file";
  }
}

}  // namespace

EnvironmentError file_failure(const std::filesystem::path& file, const std::string& call, int error) {
  return EnvironmentError(fmt::format("'{}' cannot be written: {}: {}; {}", file.string(), call,
                                      std::strerror(error), what_to_try(file, error)));
}

}  // namespace foreshard::cli
