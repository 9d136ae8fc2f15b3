#include "sim/engine/engine.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "planner/units/result_error.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

struct Ended {
  std::int32_t lane;
  std::uint32_t label;
  std::int64_t start;
  std::int64_t end;
  friend bool operator==(const Ended&, const Ended&) = default;
};
std::ostream& operator<<(std::ostream& out, const Ended& e) {
  return out << "lane " << e.lane << " task " << e.label << " [" << e.start << ", " << e.end << ")";
}

constexpr LaneId kA(0);
constexpr LaneId kB(1);
constexpr LaneId kC(2);

/// A wait for the end of the first `count` tasks of a lane.
Wait after(LaneId lane, std::uint32_t count) { return {count, static_cast<std::uint32_t>(lane.at())}; }

/// One bundle of lanes with their scripts, and a log of their tasks in the order in which they ended.
class Lanes : public EngineListener {
 public:
  explicit Lanes(std::size_t lanes) : engine(1, lanes), scripts_(lanes) {}

  void add(LaneId lane, std::int64_t duration, std::uint32_t label, std::vector<Wait> waits = {}) {
    scripts_[lane.at()].add({.duration = SimTime(duration), .label = label}, waits);
  }
  void run() {
    for (std::size_t lane = 0; lane < scripts_.size(); ++lane)
      engine.set_script(LaneId(lane), scripts_[lane]);
    engine.run(*this);
  }

  SimTime on_start(LaneId lane, const Task& task) override {
    causes.push_back(engine.cause());
    if (slow_while == lane) engine.set_speed(slowed, slow);
    return task.duration;
  }
  void on_end(LaneId lane, const Task& task, SimTime start) override {
    if (slow_while == lane) engine.set_speed(slowed, Speed{});
    ended.push_back({lane.value(), task.label, start.picoseconds(), engine.now().picoseconds()});
  }

  Engine engine;
  std::vector<Ended> ended;
  std::vector<std::optional<TaskId>> causes;  // causes of the starts
  std::optional<LaneId> slow_while;
  LaneId slowed;
  Speed slow;

 private:
  std::vector<LaneScript> scripts_;
};

}  // namespace

TEST_CASE("durations become whole picoseconds, or an error") {
  CHECK(to_sim_time(Seconds(1e-12)) == SimTime(1));
  CHECK(to_sim_time(Seconds(1.5e-12)) == SimTime(2));
  CHECK(to_sim_time(Seconds(0.0)) == SimTime(0));
  CHECK(to_sim_time(Seconds(2.5)) == SimTime(2'500'000'000'000));
  CHECK(to_sim_time(kDay) == SimTime(86'400'000'000'000'000));
  CHECK_THROWS_AS(to_sim_time(Seconds(-1e-9)), std::domain_error);
  CHECK_THROWS_AS(to_sim_time(Seconds(std::nan(""))), std::domain_error);
  CHECK_THROWS_AS(to_sim_time(Seconds(std::numeric_limits<double>::infinity())), std::domain_error);
  CHECK_THROWS_AS(to_sim_time(kDay * 1.001), std::domain_error);
}

TEST_CASE("a sum of times that the clock does not hold is an error, not a time in the past") {
  const SimTime late(INT64_MAX - 5);
  CHECK(late + SimTime(5) == SimTime(INT64_MAX));
  CHECK_THROWS_AS(late + SimTime(6), ResultError);
  CHECK_THROWS_WITH(late + late, ContainsSubstring("runs past 106 days"));
  CHECK(checked_sim_time(1e18) == SimTime(1'000'000'000'000'000'000));
  CHECK_THROWS_AS(checked_sim_time(1e19), ResultError);
  CHECK_THROWS_AS(checked_sim_time(std::nan("")), ResultError);
  CHECK_THROWS_AS(checked_sim_time(static_cast<Int128>(INT64_MAX) + 1), ResultError);
}

TEST_CASE("a ring keeps its order while it grows and wraps") {
  Ring<int> ring;
  int next_in = 0;
  int next_out = 0;
  // Each round pushes 3 and pops 2: the front moves around the array while the queue doubles its size several
  // times.
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 3; ++i) ring.push(next_in++);
    for (int i = 0; i < 2; ++i) {
      REQUIRE(ring.front() == next_out++);
      ring.pop();
    }
  }
  REQUIRE(ring.size() == 100);
  for (std::size_t i = 0; i < 100; ++i) CHECK(ring[i] == 200 + static_cast<int>(i));
}

TEST_CASE("the event queue gives the earliest first, ties by sequence, and moves events") {
  EventQueue queue(5);
  queue.push(0, {SimTime(30), 0});
  queue.push(1, {SimTime(10), 3});
  queue.push(2, {SimTime(10), 1});
  queue.push(3, {SimTime(20), 2});
  queue.push(4, {SimTime(40), 4});
  queue.move(4, SimTime(5));
  queue.move(3, SimTime(50));
  std::vector<std::uint32_t> order;
  while (!queue.empty()) {
    order.push_back(queue.next());
    queue.pop();
  }
  CHECK(order == std::vector<std::uint32_t>{4, 2, 1, 0, 3});
}

TEST_CASE("lanes are first-in first-out and run beside each other") {
  Lanes lanes(2);
  lanes.add(kA, 10, 1);
  lanes.add(kA, 5, 2);
  lanes.add(kB, 12, 3);
  lanes.run();
  CHECK(lanes.ended == std::vector<Ended>{{0, 1, 0, 10}, {1, 3, 0, 12}, {0, 2, 10, 15}});
  CHECK(lanes.engine.tasks_ended() == 3);
}

TEST_CASE("a task waits for the tasks it names, and those behind it wait with it") {
  Lanes lanes(3);
  lanes.add(kA, 10, 1);
  lanes.add(kA, 10, 2);
  lanes.add(kB, 4, 3);
  // Task 4 needs both tasks of A and the one of B: it starts at max(20, 4).
  lanes.add(kC, 1, 4, {after(kB, 1), after(kA, 2)});
  lanes.add(kC, 1, 5);
  lanes.run();
  CHECK(lanes.ended ==
        std::vector<Ended>{{1, 3, 0, 4}, {0, 1, 0, 10}, {0, 2, 10, 20}, {2, 4, 20, 21}, {2, 5, 21, 22}});
}

TEST_CASE("a wait may name a task that never comes") {
  Lanes lanes(2);
  lanes.add(kB, 1, 9, {after(kA, 2)});
  lanes.add(kA, 3, 1);
  lanes.run();
  REQUIRE(lanes.engine.head(kB) != nullptr);
  CHECK(lanes.engine.head(kB)->label == 9);
  CHECK(lanes.engine.waiting_for(kB) == Engine::Awaited{kA, 2});
  CHECK(lanes.engine.task({kA, 0}) != nullptr);
  CHECK(lanes.engine.task({kA, 1}) == nullptr);
}

TEST_CASE("a bundle waits for the lanes of others to which it is connected") {
  // Both lanes 0 have the same script, which waits for the connected lane. In bundle 1 that is lane 1 of
  // bundle 0; in bundle 0 it is lane 1 of bundle 1, which waits for nothing.
  Engine engine(2, 2);
  LaneScript waits;
  waits.add({.duration = SimTime(5), .label = 1}, std::vector<Wait>{{1, 2}});
  LaneScript starts;
  starts.add({.duration = SimTime(7), .label = 2}, {});
  LaneScript starts_late;
  starts_late.add({.duration = SimTime(20), .label = 3}, {});
  engine.connect(0, LaneId(3));
  engine.connect(1, LaneId(1));
  for (const int lane : {0, 2}) engine.set_script(LaneId(lane), waits);
  engine.set_script(LaneId(1), starts);
  engine.set_script(LaneId(3), starts_late);
  struct Ends : EngineListener {
    SimTime on_start(LaneId, const Task& task) override { return task.duration; }
    void on_end(LaneId lane, const Task&, SimTime start) override {
      starts.push_back({lane.value(), start.picoseconds()});
    }
    std::vector<std::pair<std::int32_t, std::int64_t>> starts;
  } ends;
  engine.run(ends);
  CHECK(ends.starts == std::vector<std::pair<std::int32_t, std::int64_t>>{{1, 0}, {2, 7}, {3, 0}, {0, 20}});
}

TEST_CASE("a script may grow while its lane stands at its end, and lose what has ended") {
  Engine engine(1, 2);
  LaneScript a;
  a.add({.duration = SimTime(5), .label = 1}, {});
  a.add({.duration = SimTime(5), .label = 2}, {});
  LaneScript b;
  b.add({.duration = SimTime(1), .label = 3}, {});
  engine.set_script(kA, a);
  engine.set_script(kB, b);
  struct Grows : EngineListener {
    Grows(Engine& of, LaneScript& script) : engine(of), b(script) {}
    SimTime on_start(LaneId, const Task& task) override { return task.duration; }
    void on_end(LaneId lane, const Task& task, SimTime start) override {
      ends.push_back({task.label, start.picoseconds()});
      if (lane != kA || task.label != 1) return;
      REQUIRE(engine.is_at_end(kB));
      CHECK_FALSE(engine.is_at_end(kA));
      b.drop_before(1);
      b.add({.duration = SimTime(3), .label = 4}, std::vector<Wait>{{2, 0}});  // when both of A have ended
      engine.resume(kB);
    }
    Engine& engine;
    LaneScript& b;
    std::vector<std::pair<std::uint32_t, std::int64_t>> ends;
  } grows(engine, b);
  engine.run(grows);
  CHECK(grows.ends == std::vector<std::pair<std::uint32_t, std::int64_t>>{{3, 0}, {1, 0}, {2, 5}, {4, 10}});
  CHECK(engine.task({kB, 0}) == nullptr);  // dropped
  CHECK(engine.task({kB, 1}) != nullptr);
  CHECK(b.size() == 2);
}

TEST_CASE("joined lanes start together, each time when the last is ready") {
  Lanes lanes(3);
  lanes.engine.join(std::array{kB, kC});
  lanes.add(kA, 10, 1);
  lanes.add(kB, 2, 2);
  lanes.add(kC, 2, 3, {after(kA, 1)});
  SECTION("and end together where they take equally long") {
    lanes.add(kB, 4, 4);
    lanes.add(kC, 4, 5);
    lanes.run();
    CHECK(lanes.ended ==
          std::vector<Ended>{{0, 1, 0, 10}, {1, 2, 10, 12}, {2, 3, 10, 12}, {1, 4, 12, 16}, {2, 5, 12, 16}});
  }
  SECTION("or each at its own time") {
    lanes.add(kB, 4, 4);
    lanes.add(kC, 3, 5);
    lanes.run();
    CHECK(lanes.ended ==
          std::vector<Ended>{{0, 1, 0, 10}, {1, 2, 10, 12}, {2, 3, 10, 12}, {2, 5, 12, 15}, {1, 4, 12, 16}});
  }
}

TEST_CASE("an open task lasts until it is told to end, and those joined with it") {
  Engine engine(1, 3);
  LaneScript open;
  open.add({.duration = kOpenEnd, .label = 1}, {});
  LaneScript behind;
  behind.add({.duration = SimTime(4), .label = 2}, std::vector<Wait>{{1, 0}, {1, 1}});
  engine.join(std::array{kA, kB});
  engine.set_script(kA, open);
  engine.set_script(kB, open);
  engine.set_script(kC, behind);
  struct Ends : EngineListener {
    SimTime on_start(LaneId, const Task& task) override { return task.duration; }
    void on_end(LaneId lane, const Task&, SimTime start) override {
      ends.push_back({lane.value(), start.picoseconds()});
    }
    std::vector<std::pair<std::int32_t, std::int64_t>> ends;
  } ends;
  engine.start(ends);
  CHECK(engine.is_running(kA));
  CHECK_FALSE(engine.next_time());
  engine.finish(kB, SimTime(30), ends);
  CHECK(engine.next_time() == SimTime(34));
  engine.advance(ends);
  CHECK(ends.ends == std::vector<std::pair<std::int32_t, std::int64_t>>{{0, 0}, {1, 0}, {2, 30}});
}

TEST_CASE("a lane's speed changes what is left of its task") {
  Lanes lanes(3);
  lanes.slow_while = kB;
  lanes.slowed = kA;
  lanes.slow = Speed{500'000};
  lanes.add(kC, 20, 1);
  lanes.add(kA, 100, 2);
  lanes.add(kB, 40, 3, {after(kC, 1)});
  lanes.run();
  // 20 at full speed; 40 at half speed do 20; the other 60 at full speed: 20 + 40 + 60.
  CHECK(lanes.ended == std::vector<Ended>{{2, 1, 0, 20}, {1, 3, 20, 60}, {0, 2, 0, 120}});
}

TEST_CASE("slowed work is rounded to whole picoseconds, against the task") {
  Lanes lanes(2);
  lanes.slow_while = kB;
  lanes.slowed = kA;
  lanes.slow = Speed{700'000};
  lanes.add(kA, 10, 2);
  lanes.add(kB, 5, 1);
  lanes.run();
  // In 5 ps A does 3.5 ps of work, rounded down to 3; 7 are left: it ends at 5 + 7.
  CHECK(lanes.ended == std::vector<Ended>{{1, 1, 0, 5}, {0, 2, 0, 12}});
}

TEST_CASE("a slowed lane rounds once for tasks in a row, not once for each") {
  // At speed 7/10 two tasks of 5 ps take 10/0.7 = 14.3 ps, rounded up to 15; a single one would take 7.14,
  // rounded up to 8. After a pause the lane starts a new interval: 20 + 8.
  Lanes lanes(2);
  lanes.engine.set_speed(kA, Speed{700'000});
  lanes.add(kA, 5, 1);
  lanes.add(kA, 5, 2);
  lanes.add(kA, 5, 3, {after(kB, 1)});
  lanes.add(kB, 20, 4);
  lanes.run();
  CHECK(lanes.ended == std::vector<Ended>{{0, 1, 0, 8}, {0, 2, 8, 15}, {1, 4, 0, 20}, {0, 3, 20, 28}});
}

TEST_CASE("the cause of a start is the task whose end made it possible") {
  Lanes lanes(2);
  lanes.add(kA, 10, 1);
  lanes.add(kA, 1, 3, {after(kB, 1)});  // its lane is free at 10, B ends at 20
  lanes.add(kB, 20, 2);
  lanes.add(kB, 1, 4, {after(kA, 1)});  // A ended at 10, its lane is free at 20
  lanes.run();
  const TaskId long_one{kB, 0};
  CHECK(lanes.causes == std::vector<std::optional<TaskId>>{std::nullopt, std::nullopt, long_one, long_one});
}
