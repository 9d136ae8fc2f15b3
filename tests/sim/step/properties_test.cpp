#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/dependencies/task_graph.hpp"
#include "sim/step/simulate_step.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_jobs.hpp"

// Properties that hold for every step program, tested on programs of random small jobs with random durations.

using namespace foreshard;

namespace {

constexpr int kJobs = 120;

/// Draws a time in whole nanoseconds for each operation: short, long, and sometimes zero.
OpTimes draw_times(const StepProgram& program, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  OpTimes times;
  for (const Block& block : program.blocks) {
    auto& row = times.emplace_back();
    for (const Op& op : block.ops) {
      const std::uint64_t drawn = engine();
      std::uint64_t ns = drawn % 8 == 0 ? 0 : (drawn >> 8U) % (drawn % 2 == 0 ? 100 : 5000);
      if (std::holds_alternative<Recv>(op.kind)) ns = 0;  // the transfer's time is that of its Send
      row.push_back({Seconds(static_cast<double>(ns) * 1e-9), Limit::compute});
    }
  }
  return times;
}

/// The length of the longest chain of dependent operations by the planner's task graph, without engine or
/// queues.
SimTime longest_path(const StepProgram& program, const OpTimes& times) {
  const TaskGraph graph(program);
  std::vector<SimTime> end(graph.size());
  SimTime longest;
  for (const std::size_t task : graph.topological_order()) {
    SimTime start;
    for (const std::size_t before : graph.dependencies(task)) start = std::max(start, end[before]);
    const TaskRef& ref = graph.task(task);
    end[task] = start + to_sim_time(times[ref.block.at()][ref.op.at()].time);
    longest = std::max(longest, end[task]);
  }
  return longest;
}

bool has_layer_buffers(const StepProgram& program) {
  return std::any_of(program.tensors.begin(), program.tensors.end(),
                     [](const Tensor& tensor) { return tensor.lifetime == Lifetime::layer; });
}

std::int64_t count_operations(const StepProgram& program) {
  std::int64_t count = 0;
  for (std::size_t s = 0; s < program.stages.size(); ++s) {
    const std::vector<std::int64_t> block_calls = count_block_calls(program, StageId(s));
    for (std::size_t b = 0; b < block_calls.size(); ++b)
      count += block_calls[b] * static_cast<std::int64_t>(program.blocks[b].ops.size());
  }
  return count;
}

/// Checks that the spans of one lane do not overlap; a Recv has its own lane.
bool lanes_are_sound(const StepProgram& program, const Timeline& timeline) {
  std::map<std::tuple<std::int32_t, Lane, bool>, Picoseconds> lane_end;
  for (const Span& span : timeline.spans()) {
    const Op& op = program.block(span.block).ops[span.op.at()];
    Picoseconds& end = lane_end[{span.stage.value(), span.lane, std::holds_alternative<Recv>(op.kind)}];
    if (span.start < end || span.end < span.start) return false;
    end = span.end;
  }
  return true;
}

}  // namespace

TEST_CASE("a simulated step is as long as its longest path, and every instant has a cause") {
  test::JobDraw draw(20'240'601);
  int without_buffers = 0;
  for (int i = 0; i < kJobs; ++i) {
    JobSpec job = draw.next();
    // Pipelining starts a product before its input is complete, which the graph cannot express.
    if (job.training.overlap.tp == TpOverlap::full) job.training.overlap.tp = TpOverlap::wgrad;
    INFO(test::words_for(job));
    const StepProgram program = build_step_program(job);
    const OpTimes times = draw_times(program, static_cast<std::uint64_t>(i));
    Timeline timeline;
    const SimulationResult result =
        simulate_step(program, times, timeline, SimulationOptions{.blocks_ahead = 100'000});

    const SimTime path = longest_path(program, times);
    // Where steps overlap, the next one starts before the path ends.
    if (program.steps_overlap) {
      CHECK(result.step_time.picoseconds() <= path.picoseconds());
    } else {
      CHECK(result.step_time.picoseconds() >= path.picoseconds());
    }
    if (!has_layer_buffers(program) && !program.steps_overlap) {
      // The step depends only on dependencies and lanes, and these are the edges of the graph.
      CHECK(result.step_time.picoseconds() == path.picoseconds());
      ++without_buffers;
    }
    for (const RankResult& stage : result.ranks) {
      SimTime sum = stage.compute + stage.optimizer + stage.bubble;
      for (const SimTime exposed : stage.exposed) sum += exposed;
      CHECK(sum == result.step_time);
      for (const SimTime busy : stage.busy) CHECK(busy <= result.step_time);
    }
    SimTime explained;
    for (const PathEntry& entry : result.path.entries) explained += entry.time;
    if (program.steps_overlap) {
      CHECK(explained.picoseconds() >= result.step_time.picoseconds());
    } else {
      CHECK(explained.picoseconds() == result.step_time.picoseconds());
    }
    CHECK(result.path.waiting == SimTime());

    CHECK(static_cast<std::int64_t>(timeline.spans().size()) == count_operations(program));
    CHECK(lanes_are_sound(program, timeline));
  }
  CHECK(without_buffers > kJobs / 2);
}

TEST_CASE("the peak over time is the ledger's peak") {
  test::JobDraw draw(7);
  for (int i = 0; i < kJobs; ++i) {
    const JobSpec job = draw.next();
    INFO(test::words_for(job));
    const StepProgram program = build_step_program(job);
    Timeline timeline;
    const SimulationResult result = simulate_step(program, draw_times(program, 1), timeline);
    const MemoryReport report = memory_report(job, program);
    for (std::size_t s = 0; s < program.stages.size(); ++s) {
      CHECK(result.ranks[s].peak == report.stages[s].peak);
      std::vector<MemorySample> memory;
      std::copy_if(timeline.memory().begin(), timeline.memory().end(), std::back_inserter(memory),
                   [&](const MemorySample& sample) { return sample.stage.at() == s; });
      REQUIRE(!memory.empty());
      CHECK(std::max_element(memory.begin(), memory.end(), [](const auto& a, const auto& b) {
              return a.bytes < b.bytes;
            })->bytes == report.stages[s].peak);
      CHECK(std::is_sorted(memory.begin(), memory.end(),
                           [](const MemorySample& a, const MemorySample& b) { return a.time < b.time; }));
    }
  }
}

TEST_CASE("shorter operations never make a step longer") {
  test::JobDraw draw(99);
  std::mt19937_64 engine(3);
  for (int i = 0; i < kJobs; ++i) {
    const JobSpec job = draw.next();
    INFO(test::words_for(job));
    const StepProgram program = build_step_program(job);
    OpTimes times = draw_times(program, static_cast<std::uint64_t>(i));
    NoTimeline nothing;
    const SimTime before = simulate_step(program, times, nothing).step_time;
    for (auto& row : times) {
      for (OpTime& op : row) {
        if (engine() % 3 == 0) op.time *= 0.5;
      }
    }
    CHECK(simulate_step(program, times, nothing).step_time <= before);
  }
}

TEST_CASE("interference only lengthens a step, and by no more than every kernel's full slowdown") {
  test::JobDraw draw(5);
  for (int i = 0; i < kJobs; ++i) {
    const JobSpec job = draw.next();
    INFO(test::words_for(job));
    const StepProgram program = build_step_program(job);
    const OpTimes times = draw_times(program, static_cast<std::uint64_t>(i));
    NoTimeline nothing;
    const SimulationResult alone = simulate_step(program, times, nothing);
    const SimulationResult shared =
        simulate_step(program, times, nothing, SimulationOptions{.communication_share = 0.2});
    CHECK(shared.step_time >= alone.step_time);
    // 1/(1 − 0.2) = 1.25; each change of speed may cost a picosecond of rounding.
    const double bound =
        1.25 * alone.step_time.seconds().value() + 1e-12 * 4.0 * static_cast<double>(shared.tasks);
    CHECK(shared.step_time.seconds().value() <= bound);
  }
}

TEST_CASE("the host only lengthens a step, by no more than its own time, and every instant has a cause") {
  test::JobDraw draw(17);
  const Seconds submit(0.9e-6);
  for (int i = 0; i < kJobs; ++i) {
    const JobSpec job = draw.next();
    INFO(test::words_for(job));
    const StepProgram program = build_step_program(job);
    OpTimes times = draw_times(program, static_cast<std::uint64_t>(i));
    NoTimeline nothing;
    const SimTime alone = simulate_step(program, times, nothing).step_time;
    for (std::size_t b = 0; b < times.size(); ++b) {
      for (std::size_t o = 0; o < times[b].size(); ++o)
        if (!is_communication(program.blocks[b].ops[o])) times[b][o].host = submit;
    }
    const SimulationResult result = simulate_step(program, times, nothing);
    CHECK(result.step_time >= alone);
    SimTime all_hosts;
    for (std::size_t s = 0; s < program.stages.size(); ++s) {
      const std::vector<std::int64_t> block_calls = count_block_calls(program, StageId(s));
      std::int64_t kernels = 0;
      for (std::size_t b = 0; b < block_calls.size(); ++b) {
        const std::vector<Op>& ops = program.blocks[b].ops;
        kernels += block_calls[b] *
                   std::count_if(ops.begin(), ops.end(), [](const Op& op) { return !is_communication(op); });
      }
      const SimTime host(to_sim_time(submit).picoseconds() * kernels);
      CHECK(result.step_time >= host);
      all_hosts += host;
      const RankResult& stage = result.ranks[s];
      SimTime sum = stage.compute + stage.optimizer + stage.host + stage.bubble;
      for (const SimTime exposed : stage.exposed) sum += exposed;
      CHECK(sum == result.step_time);
    }
    CHECK(result.step_time <= alone + all_hosts);
    const SimTime path = result.path.compute + result.path.communication + result.path.host;
    if (program.steps_overlap) {
      CHECK(path.picoseconds() >= result.step_time.picoseconds());
    } else {
      CHECK(path.picoseconds() == result.step_time.picoseconds());
    }
  }
}

TEST_CASE("the same program and times give the same timeline") {
  test::JobDraw draw(11);
  for (int i = 0; i < kJobs / 4; ++i) {
    const JobSpec job = draw.next();
    INFO(test::words_for(job));
    const StepProgram program = build_step_program(job);
    const CostModel cost(job);
    const SimulationOptions options{.communication_share = 0.15};
    Timeline first;
    Timeline second;
    simulate_step(program, cost, first, options);
    simulate_step(build_step_program(job), CostModel(job), second, options);
    CHECK(first.spans() == second.spans());
    CHECK(first.memory() == second.memory());
  }
}
