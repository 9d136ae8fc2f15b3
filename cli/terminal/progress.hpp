#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "planner/results/study_progress.hpp"

namespace foreshard::cli {

/// When a line of progress is due: not at once, for most work is done before anybody waits for it, and then
/// not too often. What is new is due at once.
class ProgressPace {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kPatience{300};  // before the first line
  static constexpr std::chrono::milliseconds kPause{50};      // between two of the same thing

  explicit ProgressPace(Clock::time_point begin) : next_(begin + kPatience) {}
  /// Whether a line about `what` is due; if so, it is taken as shown.
  bool is_due(const std::string& what, Clock::time_point now);

 private:
  Clock::time_point next_;
  std::optional<std::string> shown_{};
};

/// One line on the terminal that says how far something long is; gone when it is done. Silent in a pipe, and
/// for what is done at once.
class Progress {
 public:
  /// @param shown  whether this process is the one to speak: rank 0
  explicit Progress(bool shown);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// What a study tells how far it is; empty where nobody may see it. Must not outlive this object.
  [[nodiscard]] StudyProgress listener();
  void update(const std::string& what, std::int64_t done, std::int64_t of);

 private:
  void clear();

  bool shown_;
  std::size_t width_ = 0;  // of the line that stands there
  ProgressPace pace_{ProgressPace::Clock::now()};
};

}  // namespace foreshard::cli
