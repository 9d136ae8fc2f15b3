#include "planner/search/price/plan_floor.hpp"

#include <cstdint>

#include "planner/cost/step/estimate.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_bundled_jobs.hpp"

using namespace foreshard;

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
    const Estimate whole = estimate(job);
    CHECK(floor->step <= whole.step.time);
    CHECK(floor->needed <= whole.memory.reserved + whole.memory.context);
  }
  CHECK(with_floor > 200);
}
