#include "cli/terminal/terminal.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace foreshard::cli {
namespace {

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

/// Of any other parent, such as the shell, the streams are not ours.
bool parent_is_mpirun() {
  std::ifstream in(fmt::format("/proc/{}/comm", ::getppid()));
  std::string name;
  std::getline(in, name);
  constexpr std::array<std::string_view, 4> kLaunchers = {"mpi", "orte", "prte", "hydra"};
  return std::any_of(kLaunchers.begin(), kLaunchers.end(),
                     [&](std::string_view launcher) { return name.starts_with(launcher); });
}

bool parent_leads_to_terminal(int stream) {
  std::array<char, 256> target{};
  const std::string link = fmt::format("/proc/{}/fd/{}", ::getppid(), stream);
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  if (length <= 0) return false;
  const std::string_view path(target.data(), static_cast<std::size_t>(length));
  return path.starts_with("/dev/pts/") || path.starts_with("/dev/tty");
}

}  // namespace

bool leads_to_terminal(int stream) {
  return parent_is_mpirun() ? parent_leads_to_terminal(stream) : ::isatty(stream) != 0;
}

bool terminal_is_capable() {
  const std::string_view terminal = environment("TERM");
  return !terminal.empty() && terminal != "dumb";
}

std::size_t terminal_width(int stream) {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  return ::ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

}  // namespace foreshard::cli
