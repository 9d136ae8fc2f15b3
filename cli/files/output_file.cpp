#include "cli/files/output_file.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/files/file_failure.hpp"

namespace foreshard::cli {
namespace {

namespace fs = std::filesystem;

/// Mode of new files: read and write for all, reduced by the process's umask.
constexpr mode_t kNewFile = 0666;

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// A random name that no other process uses, on this host or on another that shares the folder.
fs::path temporary_name(const fs::path& file) {
  std::random_device random;
  return folder_of(file) / fmt::format(".foreshard-{:08x}{:08x}.part", random(), random());
}

fs::path path_of_descriptor(int descriptor) { return fmt::format("/proc/self/fd/{}", descriptor); }

/// Writes the folder to disk, which makes a new file name durable. Errors are ignored, because some file
/// systems cannot do this for a folder.
void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

Compression compression_for(const fs::path& place) {
  return place.extension() == ".gz" ? Compression::gzip : Compression::none;
}

OutputFile::OutputFile(const fs::path& place, Compression compression)
    : place_(place), target_(output_target(place)) {
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond `ulimit -f` fails instead, and is reported
  is_replacing() ? open_temporary() : open_target();
  written_.emplace(descriptor_, place_);
  stream_.rdbuf(&*written_);
  if (compression == Compression::gzip) stream_.rdbuf(&compressed_.emplace(*written_));
  stream_.exceptions(std::ios::badbit);  // lets exceptions of the buffers through
}

void OutputFile::open_target() {
  descriptor_ = target_.kind == OutputTarget::Kind::descriptor
                    ? ::fcntl(target_.descriptor, F_DUPFD_CLOEXEC, 0)
                    : ::open(target_.file.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor_ < 0) fail("open");
}

/// Opens the file to write to. A file without a name (O_TMPFILE) disappears when the process ends in any way.
/// Where the file system does not support it (NFS), a temporary name is used, which remains only after
/// SIGKILL.
void OutputFile::open_temporary() {
  temporary_ = temporary_name(target_.file);
  descriptor_ = ::open(folder_of(target_.file).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kNewFile);
  is_nameless_ = descriptor_ >= 0 && ::access(path_of_descriptor(descriptor_).c_str(), F_OK) == 0;
  if (is_nameless_) return keep_mode();
  if (descriptor_ >= 0) ::close(descriptor_);
  removed_on_signal_.emplace(temporary_.string());
  descriptor_ = ::open(temporary_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kNewFile);
  if (descriptor_ < 0) fail("open of a temporary file beside it");
  try {
    keep_mode();
  } catch (...) {  // the constructor throws, so no destructor will remove it
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
    throw;
  }
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (is_replacing() && !is_nameless_ && !is_in_place_) ::unlink(temporary_.c_str());
}

void OutputFile::finish() {
  if (compressed_) compressed_->finish();
  written_->pubsync();
  if (is_replacing()) {
    refuse_input(place_, target_.file);
    if (::fsync(descriptor_) != 0) fail("fsync");
    put_in_place();
  }
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0 && errno != EINTR) fail("close");
}

void OutputFile::keep_mode() const {
  if (target_.kind != OutputTarget::Kind::replaced) return;
  // Only root may set another owner; for other users the new file belongs to them.
  [[maybe_unused]] const int ignored = ::fchown(descriptor_, target_.owner, target_.group);
  if (::fchmod(descriptor_, target_.mode) != 0) fail("fchmod");
}

/// Moves the complete file to its target. A file without a name gets one first, because only a named file can
/// be renamed.
void OutputFile::put_in_place() {
  if (is_nameless_) {
    removed_on_signal_.emplace(temporary_.string());
    if (::linkat(AT_FDCWD, path_of_descriptor(descriptor_).c_str(), AT_FDCWD, temporary_.c_str(),
                 AT_SYMLINK_FOLLOW) != 0)
      fail("linkat");
    is_nameless_ = false;
  }
  if (::rename(temporary_.c_str(), target_.file.c_str()) != 0) fail("rename");
  is_in_place_ = true;
  removed_on_signal_.reset();
  sync_folder(folder_of(target_.file));
}

void OutputFile::fail(const std::string& call) const { throw file_failure(place_, call, errno); }

}  // namespace foreshard::cli
