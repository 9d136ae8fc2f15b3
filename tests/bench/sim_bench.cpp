// How fast the simulator is: engine tasks per second, and two steps of published size from job to result.
// Prints figures and their ratio to the goals; decides nothing.

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/spec/load/load.hpp"
#include "sim/disturb/disturbance.hpp"
#include "sim/engine/engine.hpp"
#include "sim/network/ring_messages.hpp"
#include "sim/step/simulate_step.hpp"
#include "sim/study/simulation_options.hpp"
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

/// The same job as its bundled file has it, every one of its ranks, and some of them slow.
void bench_every_rank() {
  const JobSpec job = load_jobs(FORESHARD_SOURCE_DIR "/configs/jobs/llama3.1-405b-16384h100.yaml").at(0);
  const StepProgram program = build_step_program(job);
  const CostModel cost(job);
  SimulationOptions options = simulation_options(cost);
  options.every_rank = options.totals_only = true;
  DisturbanceSpec spec;
  spec.stragglers = DisturbanceSpec::Stragglers{.share = 0.005, .least = 1.1, .most = 1.3};
  spec.spread = 0.01;
  options.disturbance = draw(spec, job.cluster.devices(), 1);
  NoTimeline nothing;
  const Stopwatch watch;
  const SimulationResult result = simulate_step(program, cost, nothing, options);
  std::printf("%-26s %10.3f s for %.3f s of %llu operations  %6.2f x faster than the goal of 20 s\n",
              "405B, each of 16,384 ranks", watch.seconds(), result.step_time.seconds().value(),
              static_cast<unsigned long long>(result.tasks), 20.0 / watch.seconds());
}

/// A 1 GiB ring all-reduce through a switch, message by message, one NIC at half its rate.
void bench_messages(std::size_t members, double goal) {
  ClusterSpec cluster;
  cluster.nodes = static_cast<std::int64_t>(members);
  cluster.network.link = {BytesPerSecond(50e9), 1.0, Seconds(2e-6)};
  cluster.network.topology = Topology::single_switch;
  const std::vector<Degradation> slow{{{VertexKind::nic, 3}, 0.5}};
  const Fabric fabric(cluster, slow);
  std::vector<Rank> ranks;
  for (std::size_t rank = 0; rank < members; ++rank) ranks.emplace_back(rank);
  const Stopwatch watch;
  const RingRun run = ring_all_reduce_by_messages(fabric, ranks, Bytes(std::int64_t{1} << 30));
  std::printf(
      "ring of %5zu by messages   %10.3f s for %.3f s of %llu messages  %6.2f x faster than the goal of %g "
      "s\n",
      members, watch.seconds(), run.time.seconds().value(), static_cast<unsigned long long>(run.messages),
      goal / watch.seconds(), goal);
}

void print_peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("most memory of all these   %10.1f MB\n", static_cast<double>(usage.ru_maxrss) / 1e3);
}

}  // namespace

int main() {
  bench_engine();
  bench_70b();
  bench_405b();
  bench_messages(512, 0.5);
  bench_messages(4096, 20.0);
  bench_every_rank();
  print_peak_memory();
  return 0;
}
