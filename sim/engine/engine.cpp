#include "sim/engine/engine.hpp"

#include <algorithm>

#include "planner/units/count.hpp"

namespace foreshard {

namespace {

/// Simulated time that `work` takes at a speed: work·10⁶/speed, rounded up.
SimTime time_for(SimTime work, Speed speed) {
  if (speed.parts_per_million == Speed::kFull) return work;
  const Int128 scaled = static_cast<Int128>(work.picoseconds()) * Speed::kFull;
  const Int128 divisor = speed.parts_per_million;
  return checked_sim_time((scaled + divisor - 1) / divisor);
}

/// Work done in `time` at a speed: time·speed/10⁶, rounded down.
SimTime work_in(SimTime time, Speed speed) {
  if (speed.parts_per_million == Speed::kFull) return time;
  const Int128 scaled = static_cast<Int128>(time.picoseconds()) * speed.parts_per_million;
  return SimTime(static_cast<std::int64_t>(scaled / Speed::kFull));
}

}  // namespace

void LaneScript::add(Task task, std::span<const Wait> task_waits) {
  task.first_wait = dropped_waits + static_cast<std::uint32_t>(waits.size());
  task.waits = static_cast<std::uint32_t>(task_waits.size());
  tasks.push(task);
  for (const Wait& wait : task_waits) waits.push(wait);
}

void LaneScript::drop_before(std::uint32_t ordinal) {
  while (dropped_tasks < ordinal) {
    waits.pop(tasks.front().waits);
    dropped_waits += tasks.front().waits;
    tasks.pop();
    ++dropped_tasks;
  }
}

Engine::Engine(std::size_t bundles, std::size_t lanes_per_bundle)
    : lanes_per_bundle_(lanes_per_bundle),
      lanes_(bundles * lanes_per_bundle),
      intervals_(lanes_.size()),
      connections_(bundles),
      events_(lanes_.size()) {
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane)
    lanes_[lane].bundle = static_cast<std::uint32_t>(lane / lanes_per_bundle);
}

void Engine::set_script(LaneId lane, const LaneScript& script) { lanes_[lane.at()].script = &script; }

void Engine::connect(std::size_t bundle, LaneId to) {
  connections_[bundle].push_back(static_cast<std::uint32_t>(to.at()));
}

void Engine::join(std::span<const LaneId> lanes) {
  for (const LaneId lane : lanes) lanes_[lane.at()].join = static_cast<std::uint32_t>(joins_.size());
  joins_.push_back({{lanes.begin(), lanes.end()}, 0, false});
}

void Engine::run(EngineListener& listener) {
  start(listener);
  while (!events_.empty()) advance(listener);
}

void Engine::start(EngineListener& listener) {
  for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane) {
    if (lanes_[lane].script != nullptr) to_look_at_.push(lane);
  }
  start_what_can(listener);
}

std::optional<SimTime> Engine::next_time() const {
  if (events_.empty()) return std::nullopt;
  return events_.next_key().time;
}

void Engine::advance(EngineListener& listener) {
  const std::uint32_t lane = events_.next();
  now_ = events_.next_key().time;
  events_.pop();
  end_all(lane, listener);
}

void Engine::finish(LaneId lane, SimTime now, EngineListener& listener) {
  now_ = now;
  end_all(static_cast<std::uint32_t>(lane.at()), listener);
}

void Engine::set_speed(LaneId lane_id, Speed speed) {
  Lane& lane = lanes_[lane_id.at()];
  Interval& interval = intervals_[lane_id.at()];
  if (interval.speed == speed) return;
  const auto index = static_cast<std::uint32_t>(lane_id.at());
  if (lane.is_running) {
    if (lane.is_slowed) {
      interval.work -= std::min(interval.work, work_in(now_ - interval.since, interval.speed));
    } else {
      interval.work = events_.key(index).time - now_;
    }
    interval.since = now_;
    events_.move(index, now_ + time_for(interval.work, speed));
  }
  interval.last_end = SimTime(-1);
  interval.speed = speed;
  lane.is_slowed = speed != Speed{};
}

const Task* Engine::task(TaskId id) const {
  const LaneScript* script = lanes_[id.lane.at()].script;
  if (script == nullptr || id.ordinal < script->dropped_tasks || id.ordinal >= script->size()) return nullptr;
  return &script->task(id.ordinal);
}

std::optional<Engine::Awaited> Engine::waiting_for(LaneId lane_id) const {
  const Lane& lane = lanes_[lane_id.at()];
  if (!lane.is_parked) return std::nullopt;
  const Wait& wait = first_wait(lane);
  return Awaited{LaneId(std::size_t{resolve(lane, wait)}), wait.count};
}

std::span<const LaneId> Engine::joined_with(LaneId lane) const {
  const std::uint32_t join = lanes_[lane.at()].join;
  if (join == kNone) return {};
  return joins_[join].lanes;
}

std::uint32_t Engine::resolve(const Lane& lane, const Wait& wait) const {
  if (wait.lane < lanes_per_bundle_)
    return lane.bundle * static_cast<std::uint32_t>(lanes_per_bundle_) + wait.lane;
  return connections_[lane.bundle][wait.lane - lanes_per_bundle_];
}

/// The first wait of the lane's head that is not known to be met.
const Wait& Engine::first_wait(const Lane& lane) const {
  return lane.script->wait(lane.script->task(lane.ended), lane.waits_met);
}

void Engine::start_what_can(EngineListener& listener) {
  while (!to_look_at_.empty()) {
    const std::uint32_t index = to_look_at_.front();
    to_look_at_.pop();
    const Lane& lane = lanes_[index];
    if (lane.ended < lane.script->size() && meets_waits(index)) arrive(index, listener);
  }
}

/// Skips the waits of the lane's head that are met. Returns true if all are; otherwise parks the lane on the
/// lane that the first unmet wait names.
bool Engine::meets_waits(std::uint32_t index) {
  Lane& lane = lanes_[index];
  const std::uint32_t waits = lane.script->task(lane.ended).waits;
  for (; lane.waits_met < waits; ++lane.waits_met) {
    const Wait& wait = first_wait(lane);
    const std::uint32_t on = resolve(lane, wait);
    if (lanes_[on].ended < wait.count) {
      park(index, on);
      return false;
    }
  }
  return true;
}

void Engine::park(std::uint32_t index, std::uint32_t on) {
  Lane& target = lanes_[on];
  lanes_[index].is_parked = true;
  lanes_[index].next_parked = kNone;
  if (target.first_parked == kNone) {
    target.first_parked = index;
  } else {
    lanes_[target.last_parked].next_parked = index;
  }
  target.last_parked = index;
}

/// Queues the lanes parked on this lane whose wait is now met to be looked at again. Lanes that wait for a
/// later task stay parked.
void Engine::wake_parked(std::uint32_t on) {
  Lane& target = lanes_[on];
  std::uint32_t next = target.first_parked;
  target.first_parked = target.last_parked = kNone;
  while (next != kNone) {
    const std::uint32_t index = next;
    Lane& lane = lanes_[index];
    next = lane.next_parked;
    if (target.ended < first_wait(lane).count) {
      park(index, on);
    } else {
      lane.is_parked = false;
      to_look_at_.push(index);
    }
  }
}

/// Called when all waits of the lane's head are met. Starts it; in a join, starts all heads once the last is
/// ready.
void Engine::arrive(std::uint32_t index, EngineListener& listener) {
  if (lanes_[index].join == kNone) {
    push_end(index, start(index, listener));
    return;
  }
  Join& join = joins_[lanes_[index].join];
  lanes_[index].has_arrived = true;
  if (++join.arrived < join.lanes.size()) return;
  join.arrived = 0;
  start_joined(join, listener);
}

void Engine::start_joined(Join& join, EngineListener& listener) {
  durations_.clear();
  for (const LaneId member : join.lanes) {
    durations_.push_back(start(static_cast<std::uint32_t>(member.at()), listener));
    lanes_[member.at()].has_arrived = false;
  }
  join.is_one_event = std::all_of(durations_.begin(), durations_.end(),
                                  [&](SimTime duration) { return duration == durations_.front(); });
  const std::size_t events = join.is_one_event ? 1 : join.lanes.size();
  for (std::size_t i = 0; i < events; ++i)
    push_end(static_cast<std::uint32_t>(join.lanes[i].at()), durations_[i]);
}

SimTime Engine::start(std::uint32_t index, EngineListener& listener) {
  const LaneId id(static_cast<std::size_t>(index));
  Lane& lane = lanes_[index];
  const SimTime duration = listener.on_start(id, lane.script->task(lane.ended));
  lane.is_running = true;
  lane.start = now_;
  return duration;
}

/// Schedules the end of the task that a lane has just started, unless its duration is kOpenEnd.
void Engine::push_end(std::uint32_t index, SimTime duration) {
  if (duration == kOpenEnd) return;
  SimTime at = now_ + duration;
  if (lanes_[index].is_slowed) {
    Interval& interval = intervals_[index];
    if (interval.last_end != now_) {
      interval.since = now_;
      interval.work = SimTime();
    }
    interval.work += duration;
    at = interval.since + time_for(interval.work, interval.speed);
  }
  events_.push(index, {at, started_++});
}

/// Ends the lane's task and those that end with the same event, then starts the tasks that can start.
void Engine::end_all(std::uint32_t index, EngineListener& listener) {
  const std::uint32_t join = lanes_[index].join;
  if (join == kNone || !joins_[join].is_one_event) {
    end(index, listener);
    start_what_can(listener);
    return;
  }
  for (const LaneId member : joins_[join].lanes) {
    end(static_cast<std::uint32_t>(member.at()), listener);
    start_what_can(listener);
  }
}

void Engine::end(std::uint32_t index, EngineListener& listener) {
  Lane& lane = lanes_[index];
  const LaneId id(static_cast<std::size_t>(index));
  cause_ = TaskId{id, lane.ended};
  const Task ended = lane.script->task(lane.ended);  // the listener may let the script grow, which moves it
  listener.on_end(id, ended, lane.start);
  lane.is_running = false;
  lane.waits_met = 0;
  ++lane.ended;
  ++tasks_ended_;
  if (lane.is_slowed) intervals_[index].last_end = now_;
  to_look_at_.push(index);
  if (lane.first_parked != kNone) wake_parked(index);
}

}  // namespace foreshard
