// Preloaded into a process, lets calls of the write path fail.
//
// FAILING_CALLS names calls, separated by commas, that fail whenever they come: tmpfile, write, fsync, linkat, rename. A
// file without a name is refused as file systems refuse it that have none; the other calls find the disk full.
//
// FAILING_AT=N lets the N-th call of the write path fail, whichever it is: opening, writing, fsync, fchmod, fchown, access,
// linkat, rename and close of files that are written, and opening and fsync of their folder. FAILING_HOW says how: an errno
// as a number, or a signal as in SIG15, which comes in place of the call. How many such calls there were is written to the file
// FAILING_COUNTED at the end.

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <set>
#include <string>
#include <unistd.h>

namespace {

bool fails(const char* call) {
  const char* const calls = std::getenv("FAILING_CALLS");
  return calls != nullptr && std::strstr(calls, call) != nullptr;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int disk_full() {
  errno = ENOSPC;
  return -1;
}

int calls = 0;

/// Counts a call; true if it is the one that fails, with errno set.
bool fails_now() {
  static const char* const at = std::getenv("FAILING_AT");
  static const char* const how = std::getenv("FAILING_HOW");
  ++calls;
  if (at == nullptr || how == nullptr || std::atoi(at) != calls) return false;
  if (std::strncmp(how, "SIG", 3) == 0) {
    std::raise(std::atoi(how + 3));
    return false;
  }
  errno = std::atoi(how);
  return true;
}

/// Descriptors of files that are written, and of their folders.
std::set<int>& written() {
  static std::set<int> descriptors;
  return descriptors;
}
bool is_written(int descriptor) { return written().count(descriptor) > 0; }

__attribute__((destructor)) void say_how_many() {
  const char* const file = std::getenv("FAILING_COUNTED");
  if (file == nullptr) return;
  if (std::FILE* const out = std::fopen(file, "w")) {
    std::fprintf(out, "%d\n", calls);
    std::fclose(out);
  }
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const auto mode = static_cast<mode_t>(va_arg(rest, int));
  va_end(rest);
  if ((flags & O_TMPFILE) == O_TMPFILE && fails("tmpfile")) {
    errno = EOPNOTSUPP;
    return -1;
  }
  const bool is_write_path = (flags & (O_WRONLY | O_CREAT | O_DIRECTORY)) != 0;
  if (is_write_path && fails_now()) return -1;
  const int descriptor = next<int(const char*, int, mode_t)>("open")(path, flags, mode);
  if (is_write_path && descriptor >= 0) written().insert(descriptor);
  return descriptor;
}

ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  if (descriptor > STDERR_FILENO && fails("write")) return disk_full();
  if (is_written(descriptor) && fails_now()) return -1;
  return next<ssize_t(int, const void*, std::size_t)>("write")(descriptor, bytes, size);
}

int fsync(int descriptor) {
  if (fails("fsync")) return disk_full();
  return fails_now() ? -1 : next<int(int)>("fsync")(descriptor);
}

int fchmod(int descriptor, mode_t mode) noexcept {
  return fails_now() ? -1 : next<int(int, mode_t)>("fchmod")(descriptor, mode);
}

int fchown(int descriptor, uid_t owner, gid_t group) noexcept {
  return fails_now() ? -1 : next<int(int, uid_t, gid_t)>("fchown")(descriptor, owner, group);
}

int access(const char* path, int mode) noexcept {
  return fails_now() ? -1 : next<int(const char*, int)>("access")(path, mode);
}

int close(int descriptor) {
  const bool was_written = written().erase(descriptor) > 0;
  const int result = next<int(int)>("close")(descriptor);
  return was_written && fails_now() ? -1 : result;
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  if (fails("linkat")) return disk_full();
  if (fails_now()) return -1;
  return next<int(int, const char*, int, const char*, int)>("linkat")(from_folder, from, to_folder, to,
                                                                      flags);
}

int rename(const char* from, const char* to) noexcept {
  if (fails("rename")) return disk_full();
  return fails_now() ? -1 : next<int(const char*, const char*)>("rename")(from, to);
}
}
