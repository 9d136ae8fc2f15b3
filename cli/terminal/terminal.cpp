#include "cli/terminal/terminal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "planner/report/table.hpp"

namespace foreshard::cli {
namespace {

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

/// Whether the parent process is mpirun. The streams of any other parent, such as a shell, say nothing about
/// ours.
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

/// The terminal's width in columns; none if the terminal does not report it.
std::optional<std::size_t> known_width(int stream) {
  winsize size{};
  if (::ioctl(stream, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
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
  return known_width(stream).value_or(kUsual);
}

std::size_t page_width(int stream) {
  constexpr std::size_t kNarrowest = 60;
  constexpr std::size_t kWidest = 160;  // longer lines of text are hard to read
  if (!leads_to_terminal(stream)) return report::kWidth;
  const std::string_view columns = environment("COLUMNS");
  std::size_t width = 0;
  const auto [stop, error] = std::from_chars(columns.data(), columns.data() + columns.size(), width);
  if (error != std::errc{} || width == 0) width = known_width(stream).value_or(report::kWidth);
  return std::clamp(width, kNarrowest, kWidest);
}

}  // namespace foreshard::cli
