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

/// Hears of everything and does nothing.
class Listener : public EngineListener {
 public:
  SimTime on_start(LaneId /*lane*/, const Task& task) override { return task.duration; }
  void on_end(LaneId /*lane*/, const Task& /*task*/, SimTime /*start*/) override {}
};

/// A grid of lanes that are always full: each task waits for the one before it on the lane's neighbour.
void bench_engine() {
  constexpr std::size_t kLanes = 128;
  constexpr std::uint32_t kTasksPerLane = 50'000;
  LaneScript script;
  for (std::uint32_t task = 0; task < kTasksPerLane; ++task)
    script.add({.duration = SimTime(100 + task * 37 % 89), .label = task}, std::array{Wait{task, 1}});
  Engine engine(kLanes, 1);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    engine.set_script(LaneId(lane), script);
    engine.connect(lane, LaneId((lane + 1) % kLanes));
  }
  Listener listener;
  const Stopwatch watch;
  engine.run(listener);
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
