#include "sim/engine/engine.hpp"

#include <algorithm>

#include "planner/units/count.hpp"

namespace foreshard {

namespace {

/// Real time that `work` takes at a speed: work·10⁶/speed, rounded up.
SimTime time_for(SimTime work, Speed speed) {
  if (speed.parts_per_million == Speed::kFull) return work;
  const Int128 scaled = static_cast<Int128>(work.picoseconds()) * Speed::kFull;
  const Int128 divisor = speed.parts_per_million;
  return SimTime(static_cast<std::int64_t>((scaled + divisor - 1) / divisor));
}

/// Work done in `time` at a speed: time·speed/10⁶, rounded down.
SimTime work_in(SimTime time, Speed speed) {
  if (speed.parts_per_million == Speed::kFull) return time;
  const Int128 scaled = static_cast<Int128>(time.picoseconds()) * speed.parts_per_million;
  return SimTime(static_cast<std::int64_t>(scaled / Speed::kFull));
}

}  // namespace

Engine::Engine(std::size_t lanes) : lanes_(lanes), events_(lanes) {}

void Engine::join(std::span<const LaneId> lanes) {
  for (const LaneId lane : lanes) lanes_[lane.at()].join = static_cast<std::uint32_t>(joins_.size());
  joins_.push_back({{lanes.begin(), lanes.end()}, 0});
}

void Engine::add(LaneId lane, const Task& task, std::span<const Wait> waits) {
  Lane& queue = lanes_[lane.at()];
  queue.tasks.push({task, static_cast<std::uint32_t>(waits.size())});
  for (const Wait& wait : waits) queue.waits.push(wait);
  if (queue.tasks.size() == 1) look_at(static_cast<std::uint32_t>(lane.at()));
}

void Engine::run(EngineListener& listener) {
  start_what_can(listener);
  while (!events_.empty()) {
    const std::uint32_t lane = events_.next();
    now_ = events_.next_key().time;
    events_.pop();
    end(lane, listener);
    start_what_can(listener);
  }
}

void Engine::set_speed(LaneId lane_id, Speed speed) {
  Lane& lane = lanes_[lane_id.at()];
  if (lane.speed == speed) return;
  if (lane.is_running) {
    lane.left -= std::min(lane.left, work_in(now_ - lane.progress_time, lane.speed));
    lane.progress_time = now_;
    events_.move(static_cast<std::uint32_t>(lane_id.at()), now_ + time_for(lane.left, speed));
  }
  lane.speed = speed;
}

std::uint32_t Engine::added(LaneId lane) const {
  const Lane& queue = lanes_[lane.at()];
  return queue.ended + static_cast<std::uint32_t>(queue.tasks.size());
}

std::optional<Task> Engine::head(LaneId lane) const { return task({lane, ended(lane)}); }

std::optional<Task> Engine::task(TaskId id) const {
  if (id.ordinal < ended(id.lane) || id.ordinal >= added(id.lane)) return std::nullopt;
  return lanes_[id.lane.at()].tasks[id.ordinal - ended(id.lane)].task;
}

std::optional<Wait> Engine::waiting_for(LaneId lane) const {
  const Lane& queue = lanes_[lane.at()];
  if (!queue.is_parked) return std::nullopt;
  return queue.waits.front();
}

std::span<const LaneId> Engine::joined_with(LaneId lane) const {
  const std::uint32_t join = lanes_[lane.at()].join;
  if (join == kNone) return {};
  return joins_[join].lanes;
}

void Engine::look_at(std::uint32_t lane) {
  if (lanes_[lane].is_queued) return;
  lanes_[lane].is_queued = true;
  to_look_at_.push(lane);
}

void Engine::start_what_can(EngineListener& listener) {
  while (!to_look_at_.empty()) {
    const std::uint32_t index = to_look_at_.front();
    to_look_at_.pop();
    Lane& lane = lanes_[index];
    lane.is_queued = false;
    const bool has_idle_head =
        !lane.is_running && !lane.is_parked && !lane.has_arrived && !lane.tasks.empty();
    if (has_idle_head && meets_waits(index)) arrive(index, listener);
  }
}

/// Drops the waits of the lane's head that are over; parks the lane on the first that is not.
bool Engine::meets_waits(std::uint32_t index) {
  Lane& lane = lanes_[index];
  for (std::uint32_t& left = lane.tasks.front().waits; left > 0; --left) {
    const Wait& wait = lane.waits.front();
    if (ended(wait.lane) < wait.count) {
      park(index, static_cast<std::uint32_t>(wait.lane.at()));
      return false;
    }
    lane.waits.pop();
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

/// Looks again at the lanes that waited for a task of this one; those that need a later one stay.
void Engine::wake_parked(std::uint32_t on) {
  Lane& target = lanes_[on];
  std::uint32_t next = target.first_parked;
  target.first_parked = target.last_parked = kNone;
  while (next != kNone) {
    const std::uint32_t index = next;
    Lane& lane = lanes_[index];
    next = lane.next_parked;
    if (target.ended < lane.waits.front().count) {
      park(index, on);
    } else {
      lane.is_parked = false;
      look_at(index);
    }
  }
}

/// The head of the lane has all it needs: starts it, or, in a join, all heads once the last has come.
void Engine::arrive(std::uint32_t index, EngineListener& listener) {
  if (lanes_[index].join == kNone) {
    start(index, listener);
    return;
  }
  Join& join = joins_[lanes_[index].join];
  lanes_[index].has_arrived = true;
  if (++join.arrived < join.lanes.size()) return;
  join.arrived = 0;
  for (const LaneId member : join.lanes) {
    start(static_cast<std::uint32_t>(member.at()), listener);
    lanes_[member.at()].has_arrived = false;
  }
}

void Engine::start(std::uint32_t index, EngineListener& listener) {
  Lane& lane = lanes_[index];
  const Task& task = lane.tasks.front().task;
  listener.on_start(LaneId(static_cast<std::size_t>(index)), task);
  lane.is_running = true;
  lane.start = lane.progress_time = now_;
  lane.left = task.duration;
  events_.push(index, {now_ + time_for(task.duration, lane.speed), started_++});
}

void Engine::end(std::uint32_t index, EngineListener& listener) {
  Lane& lane = lanes_[index];
  const LaneId id(static_cast<std::size_t>(index));
  cause_ = TaskId{id, lane.ended};
  listener.on_end(id, lane.tasks.front().task, lane.start);
  lane.tasks.pop();
  lane.is_running = false;
  ++lane.ended;
  ++tasks_ended_;
  look_at(index);
  wake_parked(index);
  listener.after_end(id);
}

}  // namespace foreshard
