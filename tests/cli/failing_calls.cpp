// Preloaded into a process, lets calls of the write path fail: those that the environment variable
// FAILING_CALLS names, separated by commas: tmpfile, write, fsync, linkat, rename. A file without a name is
// refused as file systems refuse it that have none; the other calls find the disk full.

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
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
  return next<int(const char*, int, mode_t)>("open")(path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  if (descriptor > STDERR_FILENO && fails("write")) return disk_full();
  return next<ssize_t(int, const void*, std::size_t)>("write")(descriptor, bytes, size);
}

int fsync(int descriptor) { return fails("fsync") ? disk_full() : next<int(int)>("fsync")(descriptor); }

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  if (fails("linkat")) return disk_full();
  return next<int(int, const char*, int, const char*, int)>("linkat")(from_folder, from, to_folder, to,
                                                                      flags);
}

int rename(const char* from, const char* to) noexcept {
  return fails("rename") ? disk_full() : next<int(const char*, const char*)>("rename")(from, to);
}
}
