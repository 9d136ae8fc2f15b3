#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cli/terminal/listener.hpp"
#include "planner/results/study_progress.hpp"

namespace foreshard::cli {

/// Decides when a line of progress is shown. The first line is delayed, because most work ends before anybody
/// waits for it. Later lines about the same thing are spaced by a pause; a line about something new is shown
/// immediately.
class ProgressPace {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kPatience{300};  // before the first line
  static constexpr std::chrono::milliseconds kPause{50};      // between two lines about the same thing

  explicit ProgressPace(Clock::time_point begin, std::chrono::milliseconds pause = kPause)
      : pause_(pause), next_(begin + kPatience) {}
  /// Whether a line about `what` is due; if so, it counts as shown.
  bool is_due(const std::string& what, Clock::time_point now);

 private:
  std::chrono::milliseconds pause_;
  Clock::time_point next_;
  std::optional<std::string> shown_{};
};

/// Progress of work that takes long. On a command line: a line on the terminal, removed when the work is done; nothing
/// is shown in a pipe, or if the work is done quickly. In a call: events for its listener.
class Progress {
 public:
  /// @param shown  whether this process shows progress: only rank 0 does
  explicit Progress(bool shown);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// The function by which a study reports progress; empty if nothing is shown. Must not outlive this object.
  [[nodiscard]] StudyProgress listener();
  void update(const std::string& what, std::int64_t done, std::int64_t of);

  /// Whether the work is to end early with what it has: after an interrupt, or because the listener said so. From the
  /// first call on, an interrupt of the command line only sets this.
  [[nodiscard]] const std::atomic<bool>& stop() const;
  /// Whether somebody takes results of unfinished work.
  [[nodiscard]] bool shows_results() const { return heard_ != nullptr; }
  /// Shows the result so far, in JSON, unless the last one was shown less than half a second ago.
  void show_result(const std::function<std::string()>& json);
  /// Removes the line, before its end.
  void clear();

 private:
  static constexpr std::chrono::milliseconds kResultPause{500};

  /// A listener hears of the work at once, a terminal after a while.
  [[nodiscard]] ProgressPace::Clock::time_point begin() const;
  void send(const std::string& event) const;

  bool shown_;
  Listener* called_;       // null on a command line
  Listener* heard_;        // the same, if it hears events
  std::size_t width_ = 0;  // columns of the line that is shown now
  ProgressPace pace_{begin()};
  ProgressPace result_pace_{begin(), kResultPause};
};

}  // namespace foreshard::cli
