#include "cli/terminal/interruption.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <unistd.h>

#include <climits>

#include "cli/terminal/environment_error.hpp"

namespace foreshard::cli {
namespace {

constexpr std::array kEndingSignals{SIGINT, SIGTERM, SIGQUIT, SIGHUP};

// Data that a signal handler may use: no strings, no locks, no allocation.
struct Slot {
  std::atomic<bool> is_used{false};
  std::array<char, PATH_MAX> path{};
};
std::array<Slot, 4> slots;
std::atomic<std::size_t> line_columns{0};
std::atomic<bool> asked_to_stop{false};
std::atomic<int> asked_by{0};  // the signal

void write_to_terminal(std::string_view text) {
  // If the terminal no longer exists, nothing can be done about it.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

void wipe_line() {
  constexpr std::string_view kBlanks = "                                                                ";
  std::size_t left = line_columns.load();
  if (left == 0) return;
  write_to_terminal("\r");
  for (; left > 0; left -= std::min(left, kBlanks.size()))
    write_to_terminal(kBlanks.substr(0, std::min(left, kBlanks.size())));
  write_to_terminal("\r");
}

/// Signal handler: removes temporary files and the unfinished line, then raises the signal again.
/// SA_RESETHAND has restored the default action, so the second signal ends the process as if it had not been
/// caught.
void undo_and_end(int signal) {
  for (const Slot& slot : slots) {
    if (slot.is_used.load()) ::unlink(slot.path.data());
  }
  wipe_line();
  std::raise(signal);
}

/// Signal handler of the first SIGINT, or SIGTERM.
void ask_to_stop(int signal) {
  asked_by.store(signal);
  asked_to_stop.store(true);
  struct sigaction action {};
  action.sa_handler = undo_and_end;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(signal, &action, nullptr);
}

void catch_signals_once() {
  static const bool caught = [] {
    for (const int signal : kEndingSignals) {
      struct sigaction before {};
      if (::sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
      struct sigaction action {};
      action.sa_handler = undo_and_end;
      action.sa_flags = static_cast<int>(SA_RESETHAND);
      ::sigaction(signal, &action, nullptr);
    }
    return true;
  }();
  static_cast<void>(caught);
}

void stop_on(int signal) {
  catch_signals_once();
  struct sigaction before {};
  if (::sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) return;
  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

TemporaryName::TemporaryName(const std::string& path) : slot_(0) {
  if (path.size() >= PATH_MAX) throw EnvironmentError("the path '" + path + "' is too long");
  while (slot_ < slots.size() && slots[slot_].is_used.load()) ++slot_;
  if (slot_ == slots.size()) throw std::logic_error("more temporary files at one time than were planned for");
  catch_signals_once();
  std::memcpy(slots[slot_].path.data(), path.c_str(), path.size() + 1);
  slots[slot_].is_used.store(true);
}

TemporaryName::~TemporaryName() { slots[slot_].is_used.store(false); }

const std::atomic<bool>& stop_on_interrupt() {
  stop_on(SIGINT);
  return asked_to_stop;
}

void stop_on_termination() { stop_on(SIGTERM); }

std::optional<int> stopping_signal() {
  const int signal = asked_by.load();
  return signal != 0 ? std::optional(signal) : std::nullopt;
}

void end_by_signal(int signal) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
  std::raise(signal);
  std::_Exit(128 + signal);
}

void note_unfinished_line(std::size_t columns) {
  catch_signals_once();
  line_columns.store(columns);
}

}  // namespace foreshard::cli
