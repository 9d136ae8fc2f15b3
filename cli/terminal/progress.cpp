#include "cli/terminal/progress.hpp"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/terminal/event_json.hpp"
#include "cli/terminal/interruption.hpp"
#include "cli/terminal/terminal.hpp"
#include "planner/report/table.hpp"

namespace foreshard::cli {
namespace {

constexpr std::int64_t kBar = 30;

}  // namespace

bool ProgressPace::is_due(const std::string& what, Clock::time_point now) {
  const bool is_new = shown_ && *shown_ != what;
  if (now < next_ && !is_new) return false;
  next_ = now + pause_;
  shown_ = what;
  return true;
}

Progress::Progress(bool shown)
    : shown_(shown && current_listener() == nullptr && leads_to_terminal(STDERR_FILENO) &&
             terminal_is_capable()),
      called_(current_listener()),
      heard_(shown && called_ != nullptr && called_->hear ? called_ : nullptr) {}

Progress::~Progress() { clear(); }

StudyProgress Progress::listener() {
  if (!shown_ && heard_ == nullptr) return {};
  return [this](const std::string& what, std::int64_t done, std::int64_t of) { update(what, done, of); };
}

void Progress::update(const std::string& what, std::int64_t done, std::int64_t of) {
  if ((!shown_ && heard_ == nullptr) || !pace_.is_due(what, ProgressPace::Clock::now())) return;
  if (heard_ != nullptr) {
    send(progress_json(what, done, of));
    return;
  }
  const std::int64_t filled = of > 0 ? std::clamp<std::int64_t>(kBar * done / of, 0, kBar) : 0;
  std::string line = fmt::format("{} [{:#<{}}{:.<{}}] {}/{}", what, "", filled, "", kBar - filled, done, of);
  line = report::shortened(line, terminal_width(STDERR_FILENO) - 1);
  const std::size_t width = report::display_width(line);
  if (width < width_) line.append(width_ - width, ' ');
  note_unfinished_line(std::max(width, width_));
  width_ = width;
  std::fprintf(stderr, "\r%s", line.c_str());
  std::fflush(stderr);
}

const std::atomic<bool>& Progress::stop() const {
  return called_ != nullptr ? called_->is_stopped : stop_on_interrupt();
}

void Progress::show_result(const std::function<std::string()>& json) {
  if (heard_ == nullptr || !result_pace_.is_due("result", ProgressPace::Clock::now())) return;
  send(fmt::format("{{\"so_far\": {}}}", json()));
}

ProgressPace::Clock::time_point Progress::begin() const {
  const auto now = ProgressPace::Clock::now();
  return heard_ != nullptr ? now - ProgressPace::kPatience : now;
}

void Progress::send(const std::string& event) const {
  if (!heard_->hear(event)) heard_->is_stopped.store(true);
}

void Progress::clear() {
  if (width_ == 0) return;
  std::fprintf(stderr, "\r%*s\r", static_cast<int>(width_), "");
  std::fflush(stderr);
  note_unfinished_line(0);
  width_ = 0;
}

}  // namespace foreshard::cli
