// How fast the simulator is: engine tasks per second, and two steps of published size from job to result.
// Prints figures and their ratio to the goals; decides nothing.

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "planner/cost/cost_model.hpp"
#include "planner/program/emit.hpp"
#include "planner/spec/load.hpp"
#include "sim/engine/engine.hpp"
#include "sim/play/simulate_step.hpp"
#include "sim/trace/chrome_trace.hpp"

using namespace foreshard;

namespace {

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Keeps every lane of a grid full: each task that ends brings the next, which waits for a task of the
/// neighbour.
class GridLoad : public EngineListener {
 public:
  GridLoad(Engine& engine, std::uint32_t tasks_per_lane) : engine_(engine), tasks_per_lane_(tasks_per_lane) {
    for (std::size_t lane = 0; lane < engine.lanes(); ++lane) add_next(LaneId(lane));
  }
  void on_start(LaneId /*lane*/, const Task& /*task*/) override {}
  void on_end(LaneId /*lane*/, const Task& /*task*/, SimTime /*start*/) override {}
  void after_end(LaneId lane) override { add_next(lane); }

 private:
  void add_next(LaneId lane) {
    const std::uint32_t ordinal = engine_.added(lane);
    if (ordinal >= tasks_per_lane_) return;
    const LaneId neighbour((lane.at() + 1) % engine_.lanes());
    const auto spread = static_cast<std::int64_t>((ordinal * 37U + lane.at() * 11U) % 89U);
    const Task task{SimTime(100 + spread), ordinal, 0};
    engine_.add(lane, task, std::array{Wait{neighbour, ordinal}});
  }

  Engine& engine_;
  std::uint32_t tasks_per_lane_;
};

void bench_engine() {
  constexpr std::size_t kLanes = 128;
  constexpr std::uint32_t kTasksPerLane = 50'000;
  Engine engine(kLanes);
  GridLoad load(engine, kTasksPerLane);
  const Stopwatch watch;
  engine.run(load);
  const double rate = static_cast<double>(engine.tasks_ended()) / watch.seconds();
  std::printf("engine                     %10.2f M tasks/s on one core     %6.2f x the goal of 5 M\n",
              rate / 1e6, rate / 5e6);
}

JobSpec job_from(const char* text) { return parse_jobs(text, "bench").at(0); }

void report(const char* what, double seconds, const SimulationResult& result) {
  std::printf("%-26s %10.3f s for %.3f s of %llu operations  %6.2f x faster than the goal of 1 s\n", what,
              seconds, result.step_time.seconds().value(), static_cast<unsigned long long>(result.tasks),
              1.0 / seconds);
}

void bench_70b() {
  const JobSpec job = job_from(R"(
name: llama3-70b tp8 pp8
model: llama3-70b
cluster: {name: dgx-h100, nodes: 8}
parallelism: {tp: 8, pp: 8}
training: {sequence_length: 8192, global_batch: 32, micro_batch: 1}
)");
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / "foreshard_sim_bench_trace.json";
  const Stopwatch watch;
  const StepProgram program = build_step_program(job);
  std::ofstream out(file, std::ios::binary);
  ChromeTrace trace(out, program, {.all_ranks = true});
  const SimulationResult result = simulate_step(program, CostModel(job), trace);
  trace.finish();
  report("70B, trace of 64 ranks", watch.seconds(), result);
  std::printf("%-26s %10lld events, %.1f MB\n", "", static_cast<long long>(trace.events()),
              static_cast<double>(std::filesystem::file_size(file)) / 1e6);
  std::filesystem::remove(file);
  NoTimeline nothing;
  const Stopwatch alone;
  const SimulationResult again = simulate_step(program, CostModel(job), nothing);
  std::printf("%-26s %10.2f M operations/s, issue and booking included\n", "70B, no trace",
              static_cast<double>(again.tasks) / alone.seconds() / 1e6);
}

void bench_405b() {
  const JobSpec job = job_from(R"(
name: llama3.1-405b tp8 pp16 dp128
model: llama3.1-405b
cluster: {name: grand-teton, nodes: 2048}
parallelism: {tp: 8, pp: 16}
training: {sequence_length: 8192, global_batch: 2048, micro_batch: 1}
)");
  const Stopwatch watch;
  NoTimeline nothing;
  const SimulationResult result = simulate_step(build_step_program(job), CostModel(job), nothing);
  report("405B, 16,384 ranks folded", watch.seconds(), result);
}

}  // namespace

int main() {
  bench_engine();
  bench_70b();
  bench_405b();
  return 0;
}
