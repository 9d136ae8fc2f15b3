#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "sim/step/simulate_step.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

TEST_CASE("a simulation says how far it is, and is none the other for it") {
  JobSpec job = test::golden_job();
  job.training.global_batch = 256 * job.training.micro_batch * job.parallelism.dp;
  const StepProgram program = build_step_program(job);
  const CostModel cost(job);
  NoTimeline nothing;
  const SimulationResult unwatched = simulate_step(program, cost, nothing);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> words;
  SimulationOptions options;
  options.progress = [&](std::uint64_t done, std::uint64_t of) { words.emplace_back(done, of); };
  const SimulationResult watched = simulate_step(program, cost, nothing, options);
  CHECK(watched.step_time == unwatched.step_time);
  REQUIRE(words.size() >= 2);
  CHECK(words.front().first == 0);
  const std::uint64_t interval = words[1].first;
  for (std::size_t i = 0; i < words.size(); ++i) CHECK(words[i] == std::pair(i * interval, watched.tasks));
  const std::uint64_t left = watched.tasks - words.back().first;
  CHECK(left > 0);
  CHECK(left <= interval);
}
