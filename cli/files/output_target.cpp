#include "cli/files/output_target.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/files/file_failure.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/spec/yaml/input_file.hpp"

namespace foreshard::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // the limit in Linux

/// The descriptor of a path such as /proc/self/fd/7, to which /dev/stdout and similar paths are links; else
/// none.
std::optional<int> own_descriptor(const fs::path& file) {
  std::error_code error;
  const fs::path folder = fs::canonical(file.parent_path(), error);
  if (error || folder != fs::canonical("/proc/self/fd", error) || error) return std::nullopt;
  const std::string name = file.filename().string();
  int descriptor = -1;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), descriptor);
  if (failure != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return descriptor;
}

struct Followed {
  fs::path file;
  std::optional<int> descriptor;
};

/// Follows symbolic links until the path is not a link, or is a descriptor of this process.
Followed follow_links(const fs::path& place) {
  fs::path file = place;
  for (int links = 0; links <= kMostLinks; ++links) {
    if (const auto descriptor = own_descriptor(file)) return {file, descriptor};
    std::error_code error;
    const fs::path next = fs::read_symlink(file, error);
    if (error) return {file, std::nullopt};
    file = file.parent_path() / next;
  }
  throw file_failure(place, "readlink", ELOOP);
}

void refuse_standard_stream(const fs::path& place, const struct stat& status) {
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat open_file {};
    if (::fstat(stream, &open_file) != 0) continue;
    if (open_file.st_dev != status.st_dev || open_file.st_ino != status.st_ino) continue;
    throw UsageError(fmt::format("'{}' is the file to which standard {} goes; name another file, or {}",
                                 place.string(), stream == STDOUT_FILENO ? "output" : "error",
                                 stream == STDOUT_FILENO ? "/dev/stdout" : "/dev/stderr"));
  }
}

}  // namespace

OutputTarget output_target(const fs::path& place) {
  const Followed followed = follow_links(place);
  OutputTarget target{.kind = OutputTarget::Kind::fresh, .file = followed.file};
  if (followed.descriptor) {
    target.kind = OutputTarget::Kind::descriptor;
    target.descriptor = *followed.descriptor;
    return target;
  }
  struct stat status {};
  if (::stat(followed.file.c_str(), &status) != 0) {
    if (errno == ENOENT) return target;
    throw file_failure(place, "stat", errno);
  }
  if (S_ISDIR(status.st_mode))
    throw UsageError(fmt::format("'{}' is a directory; name a file in it", place.string()));
  if (!S_ISREG(status.st_mode)) {
    target.kind = OutputTarget::Kind::device;
    return target;
  }
  refuse_input(place, followed.file);
  refuse_standard_stream(place, status);
  // The folder's permissions may allow replacing a file that is write-protected; respect the file's
  // protection.
  if (::faccessat(AT_FDCWD, followed.file.c_str(), W_OK, AT_EACCESS) != 0)
    throw file_failure(place, "access", errno);
  target.kind = OutputTarget::Kind::replaced;
  target.mode = status.st_mode & 07777U;
  target.owner = status.st_uid;
  target.group = status.st_gid;
  return target;
}

void refuse_input(const fs::path& place, const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return;
  const auto input = name_as_input({status.st_dev, status.st_ino});
  if (!input) return;
  throw UsageError(fmt::format(
      "'{}' cannot be written: it is the same file as '{}', which this command reads; name another file",
      place.string(), *input));
}

}  // namespace foreshard::cli
