#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

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

  explicit ProgressPace(Clock::time_point begin) : next_(begin + kPatience) {}
  /// Whether a line about `what` is due; if so, it counts as shown.
  bool is_due(const std::string& what, Clock::time_point now);

 private:
  Clock::time_point next_;
  std::optional<std::string> shown_{};
};

/// A progress line on the terminal for work that takes long; removed when the work is done. Nothing is shown
/// in a pipe, or if the work is done quickly.
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

 private:
  void clear();

  bool shown_;
  std::size_t width_ = 0;  // columns of the line that is shown now
  ProgressPace pace_{ProgressPace::Clock::now()};
};

}  // namespace foreshard::cli
