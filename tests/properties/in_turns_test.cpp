// Laws of steps whose passes are issued in turns (training.overlap.ep: 1f1b).
#include <string>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/spec/load/load.hpp"
#include "sim/step/simulate_step.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/totals_only.hpp"

using namespace foreshard;

namespace {

/// Qwen3 30B with 12 layers on two nodes of 8 H100 with these keys of `parallelism` and `training`.
JobSpec qwen(const std::string& parallelism, const std::string& training) {
  const std::string text =
      "model: {name: qwen3-30b-a3b, layers: 12}\n"
      "cluster: {name: dgx-h100, nodes: 2}\n"
      "framework: megatron\n"
      "parallelism: {zero: 1, " +
      parallelism + "}\n" + "training: {sequence_length: 4096, micro_batch: 1, fused_routing: true, " +
      training + "}\n";
  return parse_jobs(text, "in_turns.yaml").front();
}

struct Both {
  double planned = 0.0;
  double simulated = 0.0;
};

Both step_of(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program).empty());
  const CostModel cost(job);
  NoTimeline nothing;
  const SimulationResult result = simulate_step(program, cost, nothing, test::totals_only(cost));
  return {estimate(job, program).step.time.value(), result.step_time.seconds().value()};
}

struct Case {
  const char* parallelism;
  const char* training;
};

constexpr Case kCases[] = {
    {"ep: 16", "global_batch: 128, dispatcher: hybridep"},
    {"ep: 16", "global_batch: 320, dispatcher: all-to-all"},
    {"ep: 8", "global_batch: 64, dispatcher: deepep, graphs: layer"},
    {"ep: 8, pp: 2, vp: 3", "global_batch: 64, dispatcher: hybridep"},
    {"ep: 4, pp: 4, vp: 3, tp: 2, etp: 1", "global_batch: 32, dispatcher: all-to-all"},
};

}  // namespace

TEST_CASE("plan is within 2% of the simulation where passes are issued in turns") {
  for (const Case& run : kCases) {
    for (const char* delay : {"", ", delay_wgrad: true"}) {
      INFO(run.parallelism << " " << run.training << delay);
      const Both step =
          step_of(qwen(run.parallelism, std::string(run.training) + ", overlap: {ep: 1f1b}" + delay));
      CHECK(step.planned == Approx(step.simulated).epsilon(0.02));
    }
  }
}

TEST_CASE("turns hide exchanges: a step is shorter than without, and no shorter than its kernels") {
  for (const Case& run : kCases) {
    INFO(run.parallelism << " " << run.training);
    const double none = estimate(qwen(run.parallelism, run.training)).step.time.value();
    const StepFigures turns =
        estimate(qwen(run.parallelism, std::string(run.training) + ", overlap: {ep: 1f1b}")).step;
    CHECK(turns.time.value() < none);
    CHECK(turns.time > turns.breakdown.compute);
  }
}

TEST_CASE("a backward pass frees what the forward pass beside it keeps: no second micro-batch is held") {
  for (const Case& run : kCases) {
    INFO(run.parallelism << " " << run.training);
    const Bytes none = estimate(qwen(run.parallelism, run.training)).memory.peak;
    const Bytes turns =
        estimate(qwen(run.parallelism, std::string(run.training) + ", overlap: {ep: 1f1b}")).memory.peak;
    // What both passes need for the layer that they are in.
    CHECK(turns.as_double() < 1.15 * none.as_double());
  }
}
