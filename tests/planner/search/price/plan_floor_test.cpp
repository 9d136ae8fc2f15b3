#include "planner/search/price/plan_floor.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/search/price/step_floor.hpp"
#include "planner/search/space/plan_space.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_bundled_jobs.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

namespace {

/// Four layers of experts on eight devices.
JobSpec small_moe_job() {
  JobSpec job;
  job.framework = Framework::megatron;
  job.model = test::llama_shaped(4, 256, 512, 8, 8, 1024);
  job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 256};
  job.cluster = test::round_cluster(1, 8);
  job.parallelism.dp = 8;
  job.parallelism.sequence_parallel = true;
  job.training.sequence_length = 512;
  job.training.global_batch = 32;
  job.training.micro_batch = 1;
  return job;
}

/// Compares floors that share their parts with those of all plans before them with floors that are computed for one plan
/// alone, for every so many plans of a space. Half of these plans are too large.
void check_shared(const JobSpec& base, const std::vector<SearchAxis>& free, int every) {
  const PlanSpace space(base, free);
  std::map<PlanPoint, PlanFloor> alone;
  std::vector<Bytes> needs;
  int number = 0;
  for (std::size_t part = 0; part < space.parts(); ++part) {
    space.walk(part, [&](const PlanPoint& point, const JobSpec& job) {
      if (++number % every != 0) return true;
      const std::optional<PlanFloor> floor = PlanFloors(space.values().base()).floor(point, job);
      REQUIRE(floor);
      alone.emplace(point, *floor);
      needs.push_back(floor->needed);
      return true;
    });
  }
  REQUIRE(needs.size() > 20);
  std::sort(needs.begin(), needs.end());
  const Bytes most_needed = needs[needs.size() / 2];
  for (std::size_t part = 0; part < space.parts(); ++part) {
    PlanFloors shared(space.values().base(), most_needed);
    space.walk(part, [&](const PlanPoint& point, const JobSpec& job) {
      const std::optional<PlanFloor> floor = shared.floor(point, job);
      REQUIRE(floor);
      const auto known = alone.find(point);
      if (known == alone.end()) return true;
      if (floor->needed > most_needed) {
        CHECK(floor->needed <= known->second.needed);
        CHECK(floor->step <= known->second.step);
      } else {
        CHECK(floor->needed == known->second.needed);
        CHECK(floor->step == known->second.step);
      }
      return true;
    });
  }
}

}  // namespace

TEST_CASE("no estimate is below its floor") {
  const std::uint64_t seed = 20261130;
  test::BundledJobDraw draw(seed);
  int with_floor = 0;
  for (int i = 0; i < 300; ++i) {
    const test::BundledJob drawn = draw.next();
    const AxisValues values(drawn.job, {});
    const JobSpec job = values.job(PlanPoint{});
    PlanFloors floors(job);
    const std::optional<PlanFloor> floor = floors.floor(PlanPoint{}, job);
    if (!floor) continue;
    ++with_floor;
    CAPTURE(drawn.text);
    const StepProgram program = build_step_program(job);
    const Estimate whole = estimate(job, program);
    CHECK(floor->step <= whole.step.time);
    CHECK(floor->needed <= whole.memory.reserved + whole.memory.context);
    CHECK(step_floor(job, program).value() <= whole.step.time);
  }
  CHECK(with_floor > 200);
}

TEST_CASE("a plan's floor does not depend on the plans before it") {
  using enum SearchAxis;
  const JobSpec moe = small_moe_job();
  check_shared(moe, {tp, pp, ep, etp, micro_batch, zero}, 23);
  JobSpec dense = moe;
  dense.model.experts.reset();
  check_shared(dense, {tp, pp, micro_batch, vp, schedule, stages, overlap_tp, overlap_dp, zero}, 101);
}
