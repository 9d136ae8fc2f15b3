// What plan says of a step and what the simulation of the same operations does, on random jobs of the bundled models
// and clusters.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "sim/step/simulate_step.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_bundled_jobs.hpp"
#include "tests/support/totals_only.hpp"

using namespace foreshard;

namespace {

constexpr std::size_t kParts = 10;
using Parts = std::array<double, kParts>;
constexpr std::array<const char*, kParts> kNames{"compute", "tp",      "pp",     "dp",        "cp",
                                                 "ep",      "offload", "bubble", "optimizer", "host"};

/// A stage that waits for a neighbour, which waits for its own host, waits in a bubble by the simulation and for the
/// host by the plan. Both waits are compared together.
constexpr std::size_t kBubble = 7;
constexpr std::size_t kHost = 9;

Parts with_host_in_bubble(Parts parts) {
  parts[kBubble] += std::exchange(parts[kHost], 0.0);
  return parts;
}

Parts parts_of(const StepBreakdown& parts) {
  return {parts.compute.value(),         parts.tp_exposed.value(), parts.pp_exposed.value(),
          parts.dp_exposed.value(),      parts.cp_exposed.value(), parts.ep_exposed.value(),
          parts.offload_exposed.value(), parts.bubble.value(),     parts.optimizer.value(),
          parts.overhead.value()};
}

/// Mean over the stages.
Parts parts_of(const SimulationResult& simulation) {
  Parts parts{};
  const double share = 1.0 / static_cast<double>(simulation.ranks.size());
  for (const RankResult& rank : simulation.ranks) {
    parts[0] += share * rank.compute.seconds().value();
    for (const CommAxis axis :
         {CommAxis::tp, CommAxis::pp, CommAxis::dp, CommAxis::cp, CommAxis::ep, CommAxis::offload}) {
      const auto place = static_cast<std::size_t>(axis);
      parts[1 + place] += share * rank.exposed[place].seconds().value();
    }
    parts[7] += share * rank.bubble.seconds().value();
    parts[8] += share * rank.optimizer.seconds().value();
    parts[9] += share * rank.host.seconds().value();
  }
  return parts;
}

SimulationResult simulate(const StepProgram& program, const CostModel& cost) {
  NoTimeline nothing;
  return simulate_step(program, cost, nothing, test::totals_only(cost));
}

}  // namespace

TEST_CASE("plan is within 3% of the simulation, and every part of the step within 3 points") {
  constexpr int kJobs = 200;
  test::BundledJobDraw draw(20'261'130);
  for (int i = 0; i < kJobs; ++i) {
    const test::BundledJob drawn = draw.next();
    INFO(drawn.text);
    const StepProgram program = build_step_program(drawn.job);
    const StepFigures planned = estimate(drawn.job, program).step;
    const SimulationResult simulated = simulate(program, CostModel(drawn.job));
    const double step = simulated.step_time.seconds().value();
    CHECK(planned.time.value() == Approx(step).epsilon(0.03));
    const Parts by_plan = with_host_in_bubble(parts_of(planned.breakdown));
    const Parts by_simulation = with_host_in_bubble(parts_of(simulated));
    for (std::size_t p = 0; p < kParts; ++p) {
      INFO(kNames[p]);
      CHECK(std::abs(by_plan[p] / planned.time.value() - by_simulation[p] / step) <= 0.03);
    }
  }
}

TEST_CASE("no axis is exposed for longer than it communicates, and the parts add up to the step") {
  constexpr int kJobs = 300;
  test::BundledJobDraw draw(7);
  for (int i = 0; i < kJobs; ++i) {
    const test::BundledJob drawn = draw.next();
    INFO(drawn.text);
    const Estimate found = estimate(drawn.job);
    const Parts parts = parts_of(found.step.breakdown);
    double sum = 0.0;
    for (std::size_t p = 0; p < kParts; ++p) {
      INFO(kNames[p]);
      CHECK(parts[p] >= 0.0);
      sum += parts[p];
    }
    CHECK(sum == Approx(found.step.time.value()).epsilon(1e-9));
    for (const CommAxis axis : {CommAxis::tp, CommAxis::dp, CommAxis::cp, CommAxis::ep}) {
      const auto place = static_cast<std::size_t>(axis);
      INFO(kNames[1 + place]);
      // That of the device that sends most; the mean over devices is not more, but for one that sends a little less in a
      // longer time.
      CHECK(parts[1 + place] <= found.communication[place].time.value() * 1.02 + 1e-12);
    }
  }
}
