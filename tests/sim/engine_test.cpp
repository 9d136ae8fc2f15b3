#include "sim/engine/engine.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

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

/// Keeps what ended, in the order in which it did.
class Recorder : public EngineListener {
 public:
  explicit Recorder(Engine& engine) : engine_(engine) {}
  void on_start(LaneId lane, const Task& task) override {
    if (slow_while == lane) engine_.set_speed(slowed, slow);
    static_cast<void>(task);
  }
  void on_end(LaneId lane, const Task& task, SimTime start) override {
    if (slow_while == lane) engine_.set_speed(slowed, Speed{});
    ended.push_back({lane.value(), task.label, start.picoseconds(), engine_.now().picoseconds()});
  }
  void after_end(LaneId lane) override {
    if (!to_add.empty() && lane == LaneId(0)) {
      engine_.add(LaneId(0), to_add.back(), {});
      to_add.pop_back();
    }
  }

  std::vector<Ended> ended;
  std::vector<Task> to_add;
  std::optional<LaneId> slow_while;
  LaneId slowed;
  Speed slow;

 private:
  Engine& engine_;
};

Task task(std::int64_t duration, std::uint32_t label) { return {SimTime(duration), label, 0}; }

constexpr LaneId kA(0);
constexpr LaneId kB(1);
constexpr LaneId kC(2);

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

TEST_CASE("a ring keeps its order while it grows and wraps") {
  Ring<int> ring;
  int next_in = 0;
  int next_out = 0;
  // 3 in and 2 out each round: the front wanders round the array while the queue grows past several
  // doublings.
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
  Engine engine(2);
  Recorder recorder(engine);
  engine.add(kA, task(10, 1), {});
  engine.add(kA, task(5, 2), {});
  engine.add(kB, task(12, 3), {});
  engine.run(recorder);
  CHECK(recorder.ended == std::vector<Ended>{{0, 1, 0, 10}, {1, 3, 0, 12}, {0, 2, 10, 15}});
  CHECK(engine.tasks_ended() == 3);
}

TEST_CASE("a task waits for the tasks it names, and those behind it wait with it") {
  Engine engine(3);
  Recorder recorder(engine);
  engine.add(kA, task(10, 1), {});
  engine.add(kA, task(10, 2), {});
  engine.add(kB, task(4, 3), {});
  // Task 4 needs both tasks of A and the one of B: it starts at max(20, 4).
  engine.add(kC, task(1, 4), std::array{Wait{kB, 1}, Wait{kA, 2}});
  engine.add(kC, task(1, 5), {});
  engine.run(recorder);
  CHECK(recorder.ended ==
        std::vector<Ended>{{1, 3, 0, 4}, {0, 1, 0, 10}, {0, 2, 10, 20}, {2, 4, 20, 21}, {2, 5, 21, 22}});
}

TEST_CASE("a wait may name a task that comes later, or never") {
  Engine engine(2);
  Recorder recorder(engine);
  recorder.to_add = {task(7, 2)};
  engine.add(kB, task(1, 9), std::array{Wait{kA, 2}});
  engine.add(kA, task(3, 1), {});
  SECTION("later") {
    engine.run(recorder);
    CHECK(recorder.ended == std::vector<Ended>{{0, 1, 0, 3}, {0, 2, 3, 10}, {1, 9, 10, 11}});
    CHECK_FALSE(engine.head(kB));
  }
  SECTION("never") {
    recorder.to_add.clear();
    engine.run(recorder);
    REQUIRE(engine.head(kB));
    CHECK(engine.head(kB)->label == 9);
    CHECK(engine.waiting_for(kB) == Wait{kA, 2});
    CHECK(engine.added(kA) == 1);
  }
}

TEST_CASE("joined lanes start together, each time when the last is ready") {
  Engine engine(3);
  Recorder recorder(engine);
  engine.join(std::array{kB, kC});
  engine.add(kA, task(10, 1), {});
  engine.add(kB, task(2, 2), {});
  engine.add(kC, task(2, 3), std::array{Wait{kA, 1}});
  engine.add(kB, task(4, 4), {});
  engine.add(kC, task(4, 5), {});
  engine.run(recorder);
  CHECK(recorder.ended ==
        std::vector<Ended>{{0, 1, 0, 10}, {1, 2, 10, 12}, {2, 3, 10, 12}, {1, 4, 12, 16}, {2, 5, 12, 16}});
}

TEST_CASE("a lane's speed changes what is left of its task") {
  Engine engine(3);
  Recorder recorder(engine);
  recorder.slow_while = kB;
  recorder.slowed = kA;
  recorder.slow = Speed{500'000};
  engine.add(kC, task(20, 1), {});
  engine.add(kA, task(100, 2), {});
  engine.add(kB, task(40, 3), std::array{Wait{kC, 1}});
  engine.run(recorder);
  // 20 at full speed; 40 at half speed do 20; the other 60 at full speed: 20 + 40 + 60.
  CHECK(recorder.ended == std::vector<Ended>{{2, 1, 0, 20}, {1, 3, 20, 60}, {0, 2, 0, 120}});
}

TEST_CASE("slowed work is rounded to whole picoseconds, against the task") {
  Engine engine(2);
  Recorder recorder(engine);
  recorder.slow_while = kB;
  recorder.slowed = kA;
  recorder.slow = Speed{700'000};
  engine.add(kB, task(5, 1), {});
  engine.add(kA, task(10, 2), {});
  engine.run(recorder);
  // B starts first, so A starts slowed. In 5 ps it does 3.5, rounded down to 3; 7 are left: 5 + 7.
  CHECK(recorder.ended == std::vector<Ended>{{1, 1, 0, 5}, {0, 2, 0, 12}});
}

TEST_CASE("the cause of a start is the task whose end made it possible") {
  Engine engine(2);
  struct Causes : EngineListener {
    explicit Causes(Engine& e) : engine(e) {}
    void on_start(LaneId, const Task&) override { causes.push_back(engine.cause()); }
    void on_end(LaneId, const Task&, SimTime) override {}
    void after_end(LaneId) override {}
    Engine& engine;
    std::vector<std::optional<TaskId>> causes;
  } causes(engine);
  engine.add(kA, task(10, 1), {});
  engine.add(kB, task(20, 2), {});
  engine.add(kA, task(1, 3), std::array{Wait{kB, 1}});  // its lane is free at 10, B ends at 20
  engine.add(kB, task(1, 4), std::array{Wait{kA, 1}});  // A ended at 10, its lane is free at 20
  engine.run(causes);
  const TaskId long_one{kB, 0};
  CHECK(causes.causes == std::vector<std::optional<TaskId>>{std::nullopt, std::nullopt, long_one, long_one});
}
