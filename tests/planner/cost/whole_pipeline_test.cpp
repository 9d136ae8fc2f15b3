// A long pipeline is played up to its steady state: the times must be those of all its passes.
#include "planner/cost/step/whole_pipeline.hpp"

#include <cmath>
#include <cstdint>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/stage_play.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_bundled_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

/// A layer's forward pass takes 1 s and its backward pass 2 s; nothing else takes time.
OpTimes one_and_two_seconds(const StepProgram& program) {
  OpTimes times;
  for (const Block& block : program.blocks) {
    auto& ops = times.emplace_back(block.ops.size());
    if (!is_layer(block.kind)) continue;
    if (block.pass == Pass::forward) ops.front().time = Seconds(1.0);
    if (block.pass == Pass::backward) ops.front().time = Seconds(2.0);
  }
  return times;
}

JobSpec two_stages(std::int64_t micro_batches) {
  JobSpec job = llama_job(llama_shaped(2, 64, 128, 4, 4, 128),
                          {.sequence = 32, .micro_batch = 1, .global_batch = micro_batches});
  return sharded(job, {.pp = 2});
}

bool is_near(Seconds a, Seconds b, Seconds step) { return std::abs((a - b).value()) <= 1e-7 * step.value(); }

}  // namespace

TEST_CASE("a long pipeline takes its first micro-batches and the steady state's pace") {
  // Stage 1 begins after the first forward pass and runs m · (1 + 2) seconds; stage 0 ends with one more backward pass:
  // 1 + 3·m + 2 = 303 s for m = 100. Each stage works for 300 of them and waits for 3.
  const StepProgram program = build_step_program(two_stages(100));
  const LanePlan plan = plan_lanes(program, one_and_two_seconds(program));
  for (const LaneTimes& stage : play_together(program, plan, {})) {
    CHECK(std::abs(stage.total().value() - 303.0) < 1e-6);
    CHECK(std::abs(stage.compute.value() - 300.0) < 1e-6);
    CHECK(std::abs(stage.bubble.value() - 3.0) < 1e-6);
  }
}

TEST_CASE("the steady state gives the times of all passes") {
  BundledJobDraw draw(20261201);
  int pipelines = 0;
  for (int i = 0; i < 800 && pipelines < 15; ++i) {
    const BundledJob drawn = draw.next();
    const JobSpec& job = drawn.job;
    if (job.parallelism.pp < 2 || job.training.uses_host()) continue;
    const std::int64_t micro_batches = job.micro_batches();
    if (micro_batches < 2 * (job.parallelism.pp + 7) || micro_batches * job.model.layers > 30'000) continue;
    const StepProgram program = build_step_program(job);
    if (takes_turns(program)) continue;
    ++pipelines;
    const CostModel cost(job);
    const LanePlan plan = plan_lanes(program, price_operations(program, cost));
    const auto few = play_together(program, plan, cost.interference());
    const auto all = play_every_pass(program, plan, cost.interference());
    CAPTURE(drawn.text);
    REQUIRE(few.size() == all.size());
    for (std::size_t s = 0; s < few.size(); ++s) {
      const Seconds step = all[s].total();
      CHECK(is_near(few[s].total(), step, step));
      CHECK(is_near(few[s].compute, all[s].compute, step));
      CHECK(is_near(few[s].host, all[s].host, step));
      CHECK(is_near(few[s].bubble, all[s].bubble, step));
      for (std::size_t axis = 0; axis < kCommAxisCount; ++axis)
        CHECK(is_near(few[s].exposed[axis], all[s].exposed[axis], step));
    }
  }
  CHECK(pipelines == 15);
}
