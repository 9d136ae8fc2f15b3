#pragma once

#include <atomic>
#include <functional>
#include <string>

namespace foreshard::cli {

/// What a caller of the tool as a function hears while a command works, and how it ends the command.
struct Listener {
  /// Takes an event in JSON (cli/api/foreshard.h); false asks to stop. Empty: nobody listens.
  std::function<bool(const std::string& event)> hear{};
  std::atomic<bool> is_stopped{false};
};

/// While the object lives, commands on this thread are called by a program, not from a command line: they report to the
/// listener, and leave signals and the terminal alone.
class ListenerScope {
 public:
  explicit ListenerScope(Listener& listener);
  ~ListenerScope();
  ListenerScope(const ListenerScope&) = delete;
  ListenerScope& operator=(const ListenerScope&) = delete;

 private:
  Listener* before_;
};

/// The listener of this thread; null on a command line.
Listener* current_listener();

}  // namespace foreshard::cli
