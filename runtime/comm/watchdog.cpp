#include "runtime/comm/watchdog.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "runtime/comm/end_run.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/comm/signals_blocked.hpp"

namespace foreshard {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kAnswerTime{500};
/// Time between two status messages of a rank: 1 s, or 10 ms per rank if that is longer, so that a judge gets
/// at most 100 messages per second.
constexpr Seconds kTick{1.0};
constexpr Seconds kTickPerRank{0.01};
/// A tick is at most 1/6 of the timeout. A rank that misses three ticks in a row counts as not answering.
constexpr double kTicksPerTimeout = 6.0;
constexpr double kMissedTicks = 3.0;

Seconds tick_of(const std::optional<Seconds>& timeout, std::size_t ranks) {
  const Seconds tick = std::max(kTick, kTickPerRank * static_cast<double>(ranks));
  return timeout ? std::min(tick, *timeout / kTicksPerTimeout) : tick;
}

template <class Duration>
Seconds seconds(Duration duration) {
  return Seconds(std::chrono::duration<double>(duration).count());
}

}  // namespace

Watchdog::Watchdog(const MpiSession& session)
    : session_(session),
      exchange_(session),
      statuses_(session.hosts().size()),
      heard_at_(session.hosts().size(), Clock::now()),
      unchanged_since_(Clock::now()) {
  const SignalsBlocked inherited_by_the_thread;
  thread_ = std::thread([this] { run(); });
}

Watchdog::~Watchdog() {
  stop_ = true;
  exchange_.send(session_.rank(), {.kind = StatusMessage::Kind::status});  // wakes the thread
  thread_.join();
}

void Watchdog::watch(const DeviceMesh& mesh, Seconds timeout) {
  const Seconds tick = tick_of(timeout, statuses_.size());
  const std::lock_guard lock(mutex_);
  watched_ = Watched{.mesh = mesh, .limits = {.timeout = timeout, .answer = tick * kMissedTicks}};
}

bool Watchdog::may_report() {
  if (session_.rank() == Rank(0)) return !reporter_chosen_.exchange(true);
  std::unique_lock lock(mutex_);
  granted_.reset();
  exchange_.send(Rank(0), {.kind = StatusMessage::Kind::ask});
  answered_.wait_for(lock, kAnswerTime, [this] { return granted_.has_value(); });
  return granted_.value_or(true);
}

void Watchdog::run() {
  Clock::time_point last_tick = Clock::now();
  while (!stop_) {
    std::optional<Seconds> timeout;
    {
      const std::lock_guard lock(mutex_);
      if (watched_) timeout = watched_->limits.timeout;
    }
    const auto tick = duration_cast<Clock::duration>(
        std::chrono::duration<double>(tick_of(timeout, statuses_.size()).value()));
    const Clock::time_point now = Clock::now();
    // Far more than a tick has passed: this process was stopped. The time that it was stopped is no hang.
    if (now - last_tick > kMissedTicks * tick) discount(now - last_tick);
    last_tick = now;
    send_own_status(now);
    judge(now);
    receive_until(now + tick);
  }
}

void Watchdog::send_own_status(Clock::time_point now) {
  RankStatus& own = statuses_[session_.rank().at()];
  const RankActivity activity = session_.note().read();
  if (activity.changes != own.activity.changes) unchanged_since_ = now;
  own = {.activity = activity, .unchanged = seconds(now - unchanged_since_), .heard = true};
  heard_at_[session_.rank().at()] = now;
  const StatusMessage message{.unchanged_s = own.unchanged.value(), .activity = activity};
  for (const Rank judge : {Rank(0), last()})
    if (judge != session_.rank()) exchange_.send(judge, message);
}

void Watchdog::receive_until(Clock::time_point end) {
  for (Clock::time_point now = Clock::now(); now < end && !stop_; now = Clock::now()) {
    // Rounded up: a timeout of 0 ms would make this loop spin during the last millisecond.
    const auto left = duration_cast<milliseconds>(end - now) + milliseconds(1);
    if (const std::optional<StatusMessage> message = exchange_.receive(left)) handle(*message);
  }
}

void Watchdog::handle(const StatusMessage& message) {
  switch (message.kind) {
    case StatusMessage::Kind::status:
      if (message.from == session_.rank()) return;
      statuses_[message.from.at()] = {
          .activity = message.activity, .unchanged = Seconds(message.unchanged_s), .heard = true};
      heard_at_[message.from.at()] = Clock::now();
      return;
    case StatusMessage::Kind::ask: answer(message.from); return;
    case StatusMessage::Kind::grant:
    case StatusMessage::Kind::deny: {
      const std::lock_guard lock(mutex_);
      granted_ = message.kind == StatusMessage::Kind::grant;
      answered_.notify_all();
      return;
    }
    case StatusMessage::Kind::end: std::_Exit(message.exit_code);
  }
}

void Watchdog::answer(Rank asking) {
  const bool free = !reporter_chosen_.exchange(true);
  exchange_.send(asking, {.kind = free ? StatusMessage::Kind::grant : StatusMessage::Kind::deny});
}

void Watchdog::judge(Clock::time_point now) {
  std::optional<Watched> watched;
  {
    const std::lock_guard lock(mutex_);
    watched = watched_;
  }
  if (!watched) return;
  for (std::size_t i = 0; i < statuses_.size(); ++i) statuses_[i].silent = seconds(now - heard_at_[i]);
  if (!is_judge(watched->limits) || !find_hang(statuses_, watched->limits)) return;
  if (session_.rank() == Rank(0) && reporter_chosen_.exchange(true)) return;

  const std::string text = describe_hang(statuses_, session_.hosts(), watched->mesh, watched->limits) + '\n';
  std::fwrite(text.data(), 1, text.size(), stderr);
  for (std::size_t rank = 0; rank < statuses_.size(); ++rank)
    if (Rank(rank) != session_.rank())
      exchange_.send(Rank(rank), {.kind = StatusMessage::Kind::end, .exit_code = kEnvironmentFailed});
  std::_Exit(kEnvironmentFailed);
}

bool Watchdog::is_judge(const HangLimits& limits) const {
  if (session_.rank() == Rank(0)) return true;
  const bool first_answers = statuses_.front().heard && statuses_.front().silent < limits.answer;
  if (session_.rank() == last()) return !first_answers;
  return statuses_[session_.rank().at()].unchanged >= 2.0 * limits.timeout;
}

void Watchdog::discount(Clock::duration stopped) {
  unchanged_since_ += stopped;
  for (Clock::time_point& heard : heard_at_) heard += stopped;
}

}  // namespace foreshard
