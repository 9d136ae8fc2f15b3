#include "cli/progress.hpp"

#include <cstdio>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>

namespace foreshard::cli {
namespace {

/// Where the parent process' standard error leads.
bool parent_has_terminal() {
  char target[256];
  const std::string link = fmt::format("/proc/{}/fd/2", ::getppid());
  const ssize_t length = ::readlink(link.c_str(), target, sizeof target);
  if (length <= 0) return false;
  const std::string_view path(target, static_cast<std::size_t>(length));
  return path.starts_with("/dev/pts/") || path.starts_with("/dev/tty");
}

constexpr int kBar = 30;

}  // namespace

Progress::Progress(bool shown) : shown_(shown && (::isatty(STDERR_FILENO) != 0 || parent_has_terminal())) {}

Progress::~Progress() { clear(); }

void Progress::update(const std::string& what, int done, int of) {
  if (!shown_) return;
  const int filled = of > 0 ? kBar * done / of : 0;
  std::string line = fmt::format("{} [{:#<{}}{:.<{}}] {}/{}", what, "", filled, "", kBar - filled, done, of);
  const std::size_t width = line.size();
  if (width < width_) line.append(width_ - width, ' ');
  width_ = width;
  std::fprintf(stderr, "\r%s", line.c_str());
  std::fflush(stderr);
}

void Progress::clear() {
  if (width_ == 0) return;
  std::fprintf(stderr, "\r%*s\r", static_cast<int>(width_), "");
  std::fflush(stderr);
  width_ = 0;
}

}  // namespace foreshard::cli
