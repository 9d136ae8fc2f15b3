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

/// The number of a lane: a first-in first-out queue whose tasks run one after the other.
using LaneId = StrongIndex<struct EngineLaneTag>;

/// The duration of a task that lasts until Engine::finish ends it.
inline constexpr SimTime kOpenEnd{INT64_MAX};

/// A piece of work that occupies a lane for a duration. The engine does not interpret the labels.
struct Task {
  SimTime duration;
  std::uint32_t label = 0;
  std::uint32_t sublabel = 0;
  std::uint32_t first_wait = 0;  ///< index among all of the script's waits, counting dropped ones
  std::uint32_t waits = 0;       ///< number of waits
};

/// A dependency of a task: it may start when `count` tasks of `lane` have ended. Because lanes are first-in
/// first-out, such a count expresses any dependency on another task. Below Engine::lanes_per_bundle, `lane`
/// is the lane's position in the bundle of the waiting task; from there on, it numbers the lanes of other
/// bundles to which this bundle is connected (Engine::connect).
struct Wait {
  std::uint32_t count = 0;
  std::uint32_t lane = 0;
  friend constexpr bool operator==(const Wait&, const Wait&) = default;
};

/// The tasks of a lane in order, with their waits. Several lanes may share one script. It may grow while they
/// run (Engine::resume), and its first tasks may be dropped once all of these lanes have ended them.
struct LaneScript {
  Ring<Task> tasks;
  Ring<Wait> waits;                 ///< of all tasks
  std::uint32_t dropped_tasks = 0;  ///< number of tasks dropped before the first of `tasks`
  std::uint32_t dropped_waits = 0;

  void add(Task task, std::span<const Wait> task_waits);
  /// Drops all tasks before this one.
  void drop_before(std::uint32_t ordinal);

  /// The number of tasks so far, dropped ones included.
  [[nodiscard]] std::uint32_t size() const {
    return dropped_tasks + static_cast<std::uint32_t>(tasks.size());
  }
  /// @pre the task was added and not dropped
  [[nodiscard]] const Task& task(std::uint32_t ordinal) const { return tasks[ordinal - dropped_tasks]; }
  /// The `index`-th wait of a task.
  [[nodiscard]] const Wait& wait(const Task& task, std::uint32_t index) const {
    return waits[task.first_wait + index - dropped_waits];
  }
};

/// Identifies a task by its lane and its position in the lane's order.
struct TaskId {
  LaneId lane;
  std::uint32_t ordinal = 0;
  friend constexpr bool operator==(const TaskId&, const TaskId&) = default;
};

/// The speed of a lane in parts per million: a task of duration d takes d·10⁶/speed.
struct Speed {
  static constexpr std::int64_t kFull = 1'000'000;
  std::int64_t parts_per_million = kFull;
  friend constexpr bool operator==(Speed, Speed) = default;
};

/// Receives the start and end of every task. on_start and on_end are called just before the engine's state
/// changes, so the engine still shows the state of the interval that ends at this moment.
class EngineListener {
 public:
  virtual ~EngineListener() = default;
  /// Returns how long the task takes at full speed: its planned duration, or one that the listener changed
  /// (by jitter or contention); kOpenEnd if Engine::finish will end it.
  virtual SimTime on_start(LaneId lane, const Task& task) = 0;
  virtual void on_end(LaneId lane, const Task& task, SimTime start) = 0;
};

/// A discrete-event simulation of tasks on lanes. A lane starts its next task as soon as everything that the
/// task waits for has ended. Lanes come in bundles of equal size (the queues of one rank), within which tasks
/// wait for each other. Joined lanes move in lockstep, as the members of a collective do: the k-th tasks of
/// all joined lanes start together once every one of them can start; those of equal duration end with one
/// event.
///
/// A lane that runs several tasks without a pause at one speed rounds their total time, not the time of each:
/// two consecutive tasks end when one task of their summed duration would.
///
/// Events at the same time are handled in the order in which their tasks started. There is no global state,
/// so engines are independent of each other. Running allocates no memory.
class Engine {
 public:
  Engine(std::size_t bundles, std::size_t lanes_per_bundle);

  /// Gives a lane its tasks; keeps a reference. Lanes without a script have no tasks.
  void set_script(LaneId lane, const LaneScript& script);
  /// Lets tasks of the bundle wait for a lane of another bundle. The i-th lane connected to a bundle is lane
  /// lanes_per_bundle + i in its waits.
  void connect(std::size_t bundle, LaneId to);
  /// Makes these lanes move in lockstep. @pre no lane is in two joins
  void join(std::span<const LaneId> lanes);

  /// Runs until no task can start and no running task has an end. In a deadlock, tasks that wait for
  /// something that never happens are left.
  void run(EngineListener& listener);
  /// run() in single events, for a simulation that interleaves several engines. start() starts the tasks that
  /// can start at time 0; next_time() is the time at which the next task ends, if one does; advance() goes to
  /// that time, ends the task and starts those that can now start.
  void start(EngineListener& listener);
  [[nodiscard]] std::optional<SimTime> next_time() const;
  void advance(EngineListener& listener);
  /// Ends the lane's running task, whose duration is kOpenEnd, and those joined with it, at `now`.
  /// @pre now is not in the past, nor after next_time()
  void finish(LaneId lane, SimTime now, EngineListener& listener);
  /// Sets the lane's speed from now on, also for its running task. The work done so far is rounded down to a
  /// picosecond; the time for the rest is rounded up to one. @pre the speed is positive; the lane is not
  /// joined; no task of it has the duration kOpenEnd
  void set_speed(LaneId lane, Speed speed);

  /// Tells the engine that the lane's script has grown. @pre called within EngineListener::on_end; the lane
  /// was at the script's end (is_at_end) before it grew
  void resume(LaneId lane) { to_look_at_.push(static_cast<std::uint32_t>(lane.at())); }
  /// True if the lane has a script and all tasks in it so far have ended.
  [[nodiscard]] bool is_at_end(LaneId lane) const {
    const Lane& at = lanes_[lane.at()];
    return !at.is_running && at.script != nullptr && at.ended == at.script->size();
  }

  [[nodiscard]] SimTime now() const { return now_; }
  [[nodiscard]] std::size_t lanes() const { return lanes_.size(); }
  [[nodiscard]] std::uint64_t tasks_ended() const { return tasks_ended_; }
  /// The task whose end is being handled: tasks that start now start because it ended. None at time 0.
  [[nodiscard]] const std::optional<TaskId>& cause() const { return cause_; }

  [[nodiscard]] std::uint32_t ended(LaneId lane) const { return lanes_[lane.at()].ended; }
  [[nodiscard]] bool is_running(LaneId lane) const { return lanes_[lane.at()].is_running; }
  /// The lane's head: its first task that has not ended. Null after the last task.
  [[nodiscard]] const Task* head(LaneId lane) const { return task({lane, ended(lane)}); }
  /// The task by its identity; null if the lane has no such task, or its script has dropped it.
  [[nodiscard]] const Task* task(TaskId id) const;
  /// What the head of a lane waits for: the end of the first `count` tasks of `lane`. waiting_for() returns
  /// none if the head runs, all its waits are met, or there is no head.
  struct Awaited {
    LaneId lane;
    std::uint32_t count = 0;
    friend constexpr bool operator==(const Awaited&, const Awaited&) = default;
  };
  [[nodiscard]] std::optional<Awaited> waiting_for(LaneId lane) const;
  /// True if all waits of the head are met and it only waits for the lanes that its lane is joined with.
  [[nodiscard]] bool has_arrived(LaneId lane) const { return lanes_[lane.at()].has_arrived; }
  /// The lanes with which this lane is joined, itself included; empty if it is not joined.
  [[nodiscard]] std::span<const LaneId> joined_with(LaneId lane) const;

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  struct Lane {
    const LaneScript* script = nullptr;
    std::uint32_t ended = 0;
    std::uint32_t waits_met = 0;  // number of the head's waits that are met
    std::uint32_t bundle = 0;
    std::uint32_t join = kNone;
    std::uint32_t first_parked = kNone;
    std::uint32_t last_parked = kNone;
    std::uint32_t next_parked = kNone;  // next lane in the list in which this lane is parked
    bool is_running = false;
    bool is_parked = false;    // waits in the list of the lane of its first unmet wait
    bool has_arrived = false;  // its head is ready and waits for the other lanes of its join
    bool is_slowed = false;
    SimTime start;  // of the running task
  };
  /// An interval in which a slowed lane runs tasks without a pause at one speed.
  struct Interval {
    Speed speed;
    SimTime since;
    SimTime work;  // time at full speed from `since` to the running task's end
    SimTime last_end{-1};
  };
  struct Join {
    std::vector<LaneId> lanes;
    std::size_t arrived = 0;
    bool is_one_event = false;  // running tasks are equally long: the first lane's event ends them all
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
  std::vector<SimTime> durations_;  // durations of the tasks of a join that is starting
  EventQueue events_;
  Ring<std::uint32_t> to_look_at_;
  SimTime now_;
  std::uint64_t started_ = 0;
  std::uint64_t tasks_ended_ = 0;
  std::optional<TaskId> cause_;
};

}  // namespace foreshard
