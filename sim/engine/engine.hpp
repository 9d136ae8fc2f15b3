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

/// A queue of tasks that run one after the other, in the order in which they were added.
using LaneId = StrongIndex<struct EngineLaneTag>;

/// Something that takes a lane for a while. The engine does not read the label.
struct Task {
  SimTime duration;
  std::uint32_t label = 0;
  std::uint32_t sublabel = 0;
};

/// A task waits until this many tasks of a lane have ended. Because lanes are first-in first-out, that is how
/// any dependency on an earlier task is said, even on one that has not been added yet.
struct Wait {
  LaneId lane;
  std::uint32_t count = 0;
  friend constexpr bool operator==(const Wait&, const Wait&) = default;
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
/// engine shows is the state of the time that ends there; after_end just after, and may add tasks.
class EngineListener {
 public:
  virtual ~EngineListener() = default;
  virtual void on_start(LaneId lane, const Task& task) = 0;
  virtual void on_end(LaneId lane, const Task& task, SimTime start) = 0;
  virtual void after_end(LaneId lane) = 0;
};

/// A discrete-event simulation of tasks on lanes. A lane starts its first task as soon as all that the task
/// waits for has ended. Lanes that are joined move in step: the k-th task of each starts when the k-th of all
/// can.
///
/// Events of one time are taken in the order in which their tasks started. Nothing is global: engines do not
/// know of each other. Tasks are forgotten when they end; queues grow to the most tasks that ever wait at one
/// time and then allocate no more.
class Engine {
 public:
  explicit Engine(std::size_t lanes);

  /// @pre no lane is in two joins; none has a task yet
  void join(std::span<const LaneId> lanes);
  /// Adds a task at the end of a lane. @pre waits name lanes of this engine
  void add(LaneId lane, const Task& task, std::span<const Wait> waits);
  /// Runs until no task can start. Tasks may be left: those that wait for what never comes.
  void run(EngineListener& listener);
  /// From now on the lane works at this speed, its running task included. What a task has done so far is
  /// rounded down to a picosecond, what is left takes a whole number of them, rounded up. @pre the speed is
  /// positive
  void set_speed(LaneId lane, Speed speed);

  [[nodiscard]] SimTime now() const { return now_; }
  [[nodiscard]] std::size_t lanes() const { return lanes_.size(); }
  [[nodiscard]] std::uint64_t tasks_ended() const { return tasks_ended_; }
  /// The task whose end is being dealt with: whatever starts now starts because of it. None at the beginning.
  [[nodiscard]] const std::optional<TaskId>& cause() const { return cause_; }

  /// Tasks of the lane so far: added, and ended.
  [[nodiscard]] std::uint32_t added(LaneId lane) const;
  [[nodiscard]] std::uint32_t ended(LaneId lane) const { return lanes_[lane.at()].ended; }
  [[nodiscard]] bool is_running(LaneId lane) const { return lanes_[lane.at()].is_running; }
  /// The lane's first task that has not ended, if one was added.
  [[nodiscard]] std::optional<Task> head(LaneId lane) const;
  /// The task of this ordinal, if it was added and has not ended.
  [[nodiscard]] std::optional<Task> task(TaskId id) const;
  /// What the head of the lane waits for. None if it runs, has all it needs, or does not exist.
  [[nodiscard]] std::optional<Wait> waiting_for(LaneId lane) const;
  /// True where the head has all it needs and waits for the lanes that its lane is joined with.
  [[nodiscard]] bool has_arrived(LaneId lane) const { return lanes_[lane.at()].has_arrived; }
  /// The lanes with which this one moves in step, itself included; empty if it is not joined.
  [[nodiscard]] std::span<const LaneId> joined_with(LaneId lane) const;

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  struct QueuedTask {
    Task task;
    std::uint32_t waits = 0;  // how many of the lane's waits are this task's
  };
  struct Lane {
    Ring<QueuedTask> tasks;
    Ring<Wait> waits;  // of all queued tasks, in order
    std::uint32_t ended = 0;
    std::uint32_t join = kNone;
    bool is_running = false;
    bool is_queued = false;    // to be looked at
    bool is_parked = false;    // on the lane of its first wait
    bool has_arrived = false;  // at its join
    std::uint32_t first_parked = kNone;
    std::uint32_t last_parked = kNone;
    std::uint32_t next_parked = kNone;  // after this lane, in the list that it is parked in
    SimTime start;                      // of the running task
    SimTime progress_time;              // when `left` was last worked out
    SimTime left;                       // of the running task, at full speed
    Speed speed;
  };
  struct Join {
    std::vector<LaneId> lanes;
    std::size_t arrived = 0;
  };

  void look_at(std::uint32_t lane);
  void start_what_can(EngineListener& listener);
  [[nodiscard]] bool meets_waits(std::uint32_t index);
  void park(std::uint32_t index, std::uint32_t on);
  void wake_parked(std::uint32_t on);
  void arrive(std::uint32_t index, EngineListener& listener);
  void start(std::uint32_t index, EngineListener& listener);
  void end(std::uint32_t index, EngineListener& listener);

  std::vector<Lane> lanes_;
  std::vector<Join> joins_;
  EventQueue events_;
  Ring<std::uint32_t> to_look_at_;
  SimTime now_;
  std::uint64_t started_ = 0;
  std::uint64_t tasks_ended_ = 0;
  std::optional<TaskId> cause_;
};

}  // namespace foreshard
