#include "sim/step/stage_script.hpp"

#include <array>
#include <cstdint>
#include <tuple>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/lane_player.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "sim/step/program_plan.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_jobs.hpp"

using namespace foreshard;

namespace {

/// A task in a form that can be compared: its fields and its waits.
using Written = std::tuple<std::int64_t, std::uint32_t, std::uint32_t, std::vector<std::uint32_t>>;
using Lanes = std::array<std::vector<Written>, kRankLanes>;

/// Adds the tasks that were written since the last call.
void collect(const ScriptWriter& writer, Lanes& lanes) {
  for (RankLane lane = 0; lane < kRankLanes; ++lane) {
    const LaneScript& script = writer.script().lanes[lane];
    for (auto t = static_cast<std::uint32_t>(lanes[lane].size()); t < script.size(); ++t) {
      const Task& task = script.task(t);
      std::vector<std::uint32_t> waits;
      for (std::uint32_t w = 0; w < task.waits; ++w) {
        waits.push_back(script.wait(task, w).lane);
        waits.push_back(script.wait(task, w).count);
      }
      lanes[lane].emplace_back(task.duration.picoseconds(), task.label, task.sublabel, std::move(waits));
    }
  }
}

}  // namespace

TEST_CASE("a script that is written piece by piece, and forgotten behind, is the same") {
  test::JobDraw draw(41);
  std::size_t in_pieces = 0;
  for (int i = 0; i < 20; ++i) {
    JobSpec job = draw.next();
    job.training.global_batch *= 40;
    job.cluster.accelerator.kernels.submit = Seconds(1e-6);
    INFO(test::words_for(job));
    const StepProgram program = build_step_program(job);
    const ProgramPlan plan = plan_program(program, price_operations(program, CostModel(job)));
    const ScriptOptions options{.read_back = SimTime(), .blocks_ahead = 4};
    ScriptWriter at_once(program, plan, StageId(0), options);
    at_once.write_all();
    Lanes whole;
    collect(at_once, whole);

    ScriptWriter pieces(program, plan, StageId(0), options);
    Lanes together;
    const auto kernels = static_cast<std::uint32_t>(pieces.tasks()[kComputeLane]);
    for (std::uint32_t ended = 0; ended <= kernels; ++ended) {
      if (!pieces.is_due(ended)) continue;
      pieces.write_ahead(ended);
      collect(pieces, together);
      // The next kernel is already written.
      if (ended < kernels) REQUIRE(pieces.script().lanes[kComputeLane].size() > ended);
      pieces.drop_before(kComputeLane, ended);
      ++in_pieces;
    }
    CHECK(together == whole);
    for (RankLane lane = 0; lane < kRankLanes; ++lane) CHECK(whole[lane].size() == pieces.tasks()[lane]);
  }
  CHECK(in_pieces > 60);  // three pieces per script, or the test would prove little
}

TEST_CASE("a longer step needs no longer script at one time") {
  test::JobDraw draw(3);
  JobSpec job = draw.next();
  const auto written_at_first = [&](std::int64_t times) {
    JobSpec longer = job;
    longer.training.global_batch *= times;
    const StepProgram program = build_step_program(longer);
    const ProgramPlan plan = plan_program(program, price_operations(program, CostModel(longer)));
    ScriptWriter writer(program, plan, StageId(0), {.read_back = SimTime(), .blocks_ahead = 64});
    writer.write_ahead(0);
    return writer.script().lanes[kComputeLane].size();
  };
  CHECK(written_at_first(2'000) == written_at_first(1'000));
}
