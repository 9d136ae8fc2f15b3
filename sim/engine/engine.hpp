#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "planner/units/strong_index.hpp"
#include "sim/engine/event_queue.hpp"
#include "sim/engine/ring.hpp"
#include "sim/engine/sim_time.hpp"

namespace foreshard {

/// A queue of tasks that run one after the other.
using LaneId = StrongIndex<struct EngineLaneTag>;

/// Of a task that lasts until Engine::finish ends it.
inline constexpr SimTime kOpenEnd{INT64_MAX};

/// Something that takes a lane for a while. The engine does not read the label.
struct Task {
  SimTime duration;
  std::uint32_t label = 0;
  std::uint32_t sublabel = 0;
  std::uint32_t first_wait = 0;  ///< counted over all of the script's waits, dropped ones too
  std::uint32_t waits = 0;
};

/// A task waits until this many tasks of a lane have ended. Because lanes are first-in first-out, that is how
/// any dependency on another task is said. The lane is one of the bundle that the task's lane belongs to, by
/// its place in it; from Engine::lanes_per_bundle on, one of those to which the bundle is connected.
struct Wait {
  std::uint32_t count = 0;
  std::uint32_t lane = 0;
  friend constexpr bool operator==(const Wait&, const Wait&) = default;
};

/// What a lane does, from first to last. Many lanes may have the same script. It may grow while they run
/// (Engine::resume), and lose its beginning once all of them are past it.
struct LaneScript {
  Ring<Task> tasks;
  Ring<Wait> waits;                 ///< of all tasks
  std::uint32_t dropped_tasks = 0;  ///< that stood before the first of `tasks`
  std::uint32_t dropped_waits = 0;

  void add(Task task, std::span<const Wait> task_waits);
  /// Forgets the tasks before this one.
  void drop_before(std::uint32_t ordinal);

  /// How many tasks there are so far, dropped ones too.
  [[nodiscard]] std::uint32_t size() const {
    return dropped_tasks + static_cast<std::uint32_t>(tasks.size());
  }
  /// @pre it was added and not dropped
  [[nodiscard]] const Task& task(std::uint32_t ordinal) const { return tasks[ordinal - dropped_tasks]; }
  /// The `index`-th wait of a task.
  [[nodiscard]] const Wait& wait(const Task& task, std::uint32_t index) const {
    return waits[task.first_wait + index - dropped_waits];
  }
};

/// A task by its lane and its place in the lane's order.
struct TaskId {
  LaneId lane;
  std::uint32_t ordinal = 0;
  friend constexpr bool operator==(const TaskId&, const TaskId&) = default;
};

/// How fast a lane works: parts of a million; a task of duration d takes d·10⁶/speed.
struct Speed {
  static constexpr std::int64_t kFull = 1'000'000;
  std::int64_t parts_per_million = kFull;
  friend constexpr bool operator==(Speed, Speed) = default;
};

/// Hears of every task. on_start and on_end are called just before the engine's state changes, so what the
/// engine shows is the state of the time that ends there.
class EngineListener {
 public:
  virtual ~EngineListener() = default;
  /// Says how long the task will take: its duration, or what has become of that.
  virtual SimTime on_start(LaneId lane, const Task& task) = 0;
  virtual void on_end(LaneId lane, const Task& task, SimTime start) = 0;
};

/// A discrete-event simulation of tasks on lanes. A lane starts its next task as soon as all that the task
/// waits for has ended. Lanes that are joined move in step: the k-th task of each starts when the k-th of all
/// can, and those of equal duration end with one event. Lanes come in bundles of equal size, whose tasks wait
/// for each other: the queues of one rank.
///
/// A lane that goes from task to task without a pause and at one speed rounds its time once, not once a task:
/// two tasks in a row end when one of their summed duration would.
///
/// Events of one time are taken in the order in which their tasks started. Nothing is global: engines do not
/// know of each other. Running allocates nothing.
class Engine {
 public:
  Engine(std::size_t bundles, std::size_t lanes_per_bundle);

  /// Gives a lane its tasks; keeps a reference. Lanes without a script have none.
  void set_script(LaneId lane, const LaneScript& script);
  /// Tasks of the bundle may wait for this lane of another one, as lane lanes_per_bundle + i where it is the
  /// i-th that the bundle is connected to.
  void connect(std::size_t bundle, LaneId to);
  /// @pre no lane is in two joins
  void join(std::span<const LaneId> lanes);

  /// Runs until no task can start and none has an end. Tasks may be left: those that wait for what never
  /// comes.
  void run(EngineListener& listener);
  /// The same in pieces, for several clocks that run beside each other. start() begins what can begin at
  /// once; next_time() is when the next task ends, if one does; advance() goes there and starts what that
  /// allows.
  void start(EngineListener& listener);
  [[nodiscard]] std::optional<SimTime> next_time() const;
  void advance(EngineListener& listener);
  /// Ends a running task without an end of its own, and those joined with it, at `now`.
  /// @pre now is not in the past, nor behind next_time()
  void finish(LaneId lane, SimTime now, EngineListener& listener);
  /// From now on the lane works at this speed, its running task included. What a task has done so far is
  /// rounded down to a picosecond, what is left takes a whole number of them, rounded up. @pre the speed is
  /// positive; the lane is not joined, its tasks have ends
  void set_speed(LaneId lane, Speed speed);

  /// The lane's script has grown. @pre within EngineListener::on_end; the lane was at the script's end
  /// (is_at_end) before it grew
  void resume(LaneId lane) { to_look_at_.push(static_cast<std::uint32_t>(lane.at())); }
  /// True where all tasks of the lane's script so far have ended.
  [[nodiscard]] bool is_at_end(LaneId lane) const {
    const Lane& at = lanes_[lane.at()];
    return !at.is_running && at.script != nullptr && at.ended == at.script->size();
  }

  [[nodiscard]] SimTime now() const { return now_; }
  [[nodiscard]] std::size_t lanes() const { return lanes_.size(); }
  [[nodiscard]] std::uint64_t tasks_ended() const { return tasks_ended_; }
  /// The task whose end is being dealt with: whatever starts now starts because of it. None at the beginning.
  [[nodiscard]] const std::optional<TaskId>& cause() const { return cause_; }

  [[nodiscard]] std::uint32_t ended(LaneId lane) const { return lanes_[lane.at()].ended; }
  [[nodiscard]] bool is_running(LaneId lane) const { return lanes_[lane.at()].is_running; }
  /// The lane's first task that has not ended; null behind the last.
  [[nodiscard]] const Task* head(LaneId lane) const { return task({lane, ended(lane)}); }
  /// Null if the lane has no such task, or its script has dropped it.
  [[nodiscard]] const Task* task(TaskId id) const;
  /// What the head of the lane waits for: so many tasks of a lane. None if it runs, has all it needs, or does
  /// not exist.
  struct Awaited {
    LaneId lane;
    std::uint32_t count = 0;
    friend constexpr bool operator==(const Awaited&, const Awaited&) = default;
  };
  [[nodiscard]] std::optional<Awaited> waiting_for(LaneId lane) const;
  /// True where the head has all it needs and waits for the lanes that its lane is joined with.
  [[nodiscard]] bool has_arrived(LaneId lane) const { return lanes_[lane.at()].has_arrived; }
  /// The lanes with which this one moves in step, itself included; empty if it is not joined.
  [[nodiscard]] std::span<const LaneId> joined_with(LaneId lane) const;

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  struct Lane {
    const LaneScript* script = nullptr;
    std::uint32_t ended = 0;
    std::uint32_t waits_met = 0;  // of the head's
    std::uint32_t bundle = 0;
    std::uint32_t join = kNone;
    std::uint32_t first_parked = kNone;
    std::uint32_t last_parked = kNone;
    std::uint32_t next_parked = kNone;  // after this lane, in the list that it is parked in
    bool is_running = false;
    bool is_parked = false;    // on the lane of its first wait
    bool has_arrived = false;  // at its join
    bool is_slowed = false;
    SimTime start;  // of the running task
  };
  /// Tasks of a slowed lane without a pause, at one speed.
  struct Interval {
    Speed speed;
    SimTime since;
    SimTime work;  // up to the running task's end, at full speed
    SimTime last_end{-1};
  };
  struct Join {
    std::vector<LaneId> lanes;
    std::size_t arrived = 0;
    bool is_one_event = false;  // of the running tasks: the first lane's event ends them all
  };

  [[nodiscard]] std::uint32_t resolve(const Lane& lane, const Wait& wait) const;
  [[nodiscard]] const Wait& first_wait(const Lane& lane) const;
  void start_what_can(EngineListener& listener);
  [[nodiscard]] bool meets_waits(std::uint32_t index);
  void park(std::uint32_t index, std::uint32_t on);
  void wake_parked(std::uint32_t on);
  void arrive(std::uint32_t index, EngineListener& listener);
  void start_joined(Join& join, EngineListener& listener);
  [[nodiscard]] SimTime start(std::uint32_t index, EngineListener& listener);
  void push_end(std::uint32_t index, SimTime duration);
  void end_all(std::uint32_t index, EngineListener& listener);
  void end(std::uint32_t index, EngineListener& listener);

  std::size_t lanes_per_bundle_;
  std::vector<Lane> lanes_;
  std::vector<Interval> intervals_;                      // by lane
  std::vector<std::vector<std::uint32_t>> connections_;  // by bundle
  std::vector<Join> joins_;
  std::vector<SimTime> durations_;  // of the tasks of a join that is starting
  EventQueue events_;
  Ring<std::uint32_t> to_look_at_;
  SimTime now_;
  std::uint64_t started_ = 0;
  std::uint64_t tasks_ended_ = 0;
  std::optional<TaskId> cause_;
};

}  // namespace foreshard
