// Laws of what lies in the host's memory, on random legal jobs: more of it never needs more of the device's memory, a
// share of 0 changes nothing, every such job is a legal program, and plan and simulation agree on its step.
#include <string>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/json/program_json.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "sim/step/simulate_step.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_jobs.hpp"
#include "tests/support/totals_only.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr int kJobs = 60;

template <class Check>
void for_random_jobs(std::uint64_t seed, Check check) {
  JobDraw draw(seed);
  for (int i = 0; i < kJobs; ++i) {
    JobSpec job = draw.next();
    job.cluster.host = HostSpec{.memory = Bytes(std::int64_t{1} << 50),
                                .memory_bandwidth = BytesPerSecond(400e9),
                                .link = {.bandwidth = BytesPerSecond(25e9), .latency = Seconds(1e-6)}};
    INFO(words_for(job));
    check(job);
  }
}

bool is_legal(const JobSpec& job) { return find_illegalities(job).empty(); }

constexpr OffloadSpec kOffloads[] = {{.optimizer = 1.0},
                                     {.optimizer = 0.3},
                                     {.activations = 1.0},
                                     {.activations = 0.4},
                                     {.optimizer = 1.0, .weights = 1.0},
                                     {.optimizer = 1.0, .weights = 0.5, .activations = 1.0}};

}  // namespace

TEST_CASE("laws: what lies on the host makes a legal program that needs no more of the device's memory") {
  for_random_jobs(31, [](JobSpec job) {
    const Bytes before = estimate(job).memory.peak;
    for (const OffloadSpec& offload : kOffloads) {
      job.training.offload = offload;
      if (!is_legal(job)) continue;
      INFO("optimizer " << offload.optimizer << " weights " << offload.weights << " activations "
                        << offload.activations);
      const StepProgram program = build_step_program(job);
      CHECK(check_program(program) == std::vector<std::string>{});
      CHECK(estimate(job, program).memory.peak <= before);
      CHECK(to_json(program_from_json(to_json(program))) == to_json(program));
    }
  });
}

TEST_CASE("laws: plan and simulation agree on steps with offload") {
  for_random_jobs(32, [](JobSpec job) {
    for (const OffloadSpec& offload : kOffloads) {
      job.training.offload = offload;
      if (!is_legal(job)) continue;
      INFO("optimizer " << offload.optimizer << " weights " << offload.weights << " activations "
                        << offload.activations);
      const StepProgram program = build_step_program(job);
      const CostModel cost(job);
      NoTimeline nothing;
      const SimulationResult simulated = simulate_step(program, cost, nothing, test::totals_only(cost));
      const StepFigures planned = estimate(job, program).step;
      CHECK(planned.time.value() == Approx(simulated.step_time.seconds().value()).epsilon(0.02));
    }
  });
}
