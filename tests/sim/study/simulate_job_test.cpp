#include "sim/study/simulate_job.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <string>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/report/record.hpp"
#include "planner/report/simulation_record.hpp"
#include "planner/report/simulation_table.hpp"
#include "planner/results/request_error.hpp"
#include "sim/study/predict_step.hpp"
#include "sim/study/simulation_options.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

namespace foreshard::test {
namespace {

/// The golden job on devices whose kernels are slowed by communication and limited by the launch queue.
JobSpec slowed_job() {
  JobSpec job = golden_job();
  job.cluster.accelerator.kernels.communication_share = 0.25;
  job.cluster.accelerator.kernels.submit = Seconds(3e-6);
  return job;
}

TEST_CASE("a simulation's options are the interference of the job's cost model") {
  const JobSpec job = slowed_job();
  CHECK(simulation_options(CostModel(job)).communication_share == 0.25);
  CHECK(simulation_options(CostModel(job)).read_back == CostModel(job).host().read_back());
  CHECK(CostModel(job).host().read_back() > Seconds(0.0));
  // CPUs have neither of these constants.
  CHECK(simulation_options(CostModel(golden_job())).communication_share == 0.0);
  CHECK(simulation_options(CostModel(golden_job())).read_back == Seconds(0.0));
}

TEST_CASE("an outline is of the whole step, on every stage, and changes nothing") {
  const SimulatedStep plain = simulate_job(golden_job(), {}).simulation;
  const SimulatedStep drawn = simulate_job(golden_job(), {.has_outline = true}).simulation;
  CHECK_FALSE(plain.outline);
  REQUIRE(drawn.outline);
  CHECK(drawn.time == plain.time);
  Seconds end;
  StageId last;
  for (const OutlineSpan& span : drawn.outline->spans) {
    end = std::max(end, span.end);
    last = std::max(last, span.stage);
  }
  CHECK(end.value() == Approx(drawn.time.value()));
  CHECK(last == StageId(1));  // of two stages
}

TEST_CASE("a validation predicts the step that a simulation shows, from the same times") {
  const JobSpec job = slowed_job();
  const StepProgram program = build_step_program(job);
  const OpTimes times = price_operations(program, CostModel(job));
  const PredictedStep predicted = predict_step(job, program, times);
  const SimulatedStep simulated = simulate_job(job, {}).simulation;
  CHECK(predicted.time == simulated.time);
  // Two stages: the estimate has the mean of their waiting times.
  REQUIRE(simulated.ranks.size() == 2);
  Seconds waiting;
  for (const SimulatedRank& rank : simulated.ranks)
    waiting += 0.5 * (rank.bubble + rank.exposed[static_cast<std::size_t>(CommAxis::pp)]);
  CHECK(predicted.waiting.value() == Approx(waiting.value()));
  // Without the host's time the step would be shorter.
  OpTimes without_host = times;
  for (std::vector<OpTime>& block : without_host) {
    for (OpTime& op : block) op.host = Seconds(0.0);
  }
  NoTimeline nothing;
  CHECK(simulate_step(program, without_host, nothing).step_time.seconds() < predicted.time);
}

TEST_CASE("a simulated job has the simulated times in its plan, and every instant of a rank has a cause") {
  const SimulatedJob done = simulate_job(slowed_job(), {});
  CHECK(done.planned.estimate.step.time == done.simulation.time);
  CHECK(done.planned.estimate.basis == "simulated");
  for (const SimulatedRank& rank : done.simulation.ranks) {
    Seconds sum = rank.compute + rank.optimizer + rank.host + rank.bubble;
    for (const Seconds exposed : rank.exposed) sum += exposed;
    CHECK(sum.value() == Approx(done.simulation.time.value()));
  }
  CHECK_FALSE(done.simulation.undisturbed);
  CHECK_FALSE(done.trainings);
}

TEST_CASE("a slowed rank is shown beside the step without it") {
  SimulationRequest request;
  request.disturbance.slowdowns = {{.first = Rank(1), .last = Rank(1), .factor = 2.0}};
  const SimulatedStep step = simulate_job(golden_job(), request).simulation;
  REQUIRE(step.has_every_rank);
  REQUIRE(step.ranks.size() == 4);
  CHECK(step.ranks[1].slowed_by == Approx(2.0));
  CHECK(step.ranks[0].slowed_by == 1.0);
  REQUIRE(step.undisturbed);
  CHECK(*step.undisturbed == simulate_job(golden_job(), {}).simulation.time);
  CHECK(*step.undisturbed < step.time);
}

TEST_CASE("a request that does not go together with the job is refused by the name of its part") {
  SimulationRequest slowdown;
  slowdown.disturbance.slowdowns = {{.first = Rank(4), .last = Rank(4), .factor = 2.0}};
  SimulationRequest degraded{.network = NetworkModel::flow};
  degraded.degraded = {{.vertex = {VertexKind::nic, 99}, .share = 0.5}};
  SimulationRequest beside{.network = NetworkModel::flow, .beside = golden_job()};
  beside.beside->cluster.name = "another";
  const auto refused = [](const SimulationRequest& request) -> std::string {
    try {
      simulate_job(golden_job(), request);
    } catch (const RequestError& error) {
      return error.what_is_asked();
    }
    return "nothing";
  };
  CHECK(refused(slowdown) == "slowdown");
  CHECK(refused(degraded) == "degrade");
  CHECK(refused(beside) == "with");
}

TEST_CASE("draws are told as they are done, and a listener that throws ends them") {
  SimulationRequest request{.seeds = 5};
  request.disturbance.jitter = 0.1;
  std::int64_t draws = 0;
  request.progress = [&](const std::string& what, std::int64_t done, std::int64_t of) {
    if (what != "draws") return;
    CHECK(of == 5);
    CHECK(done == ++draws);
  };
  const SimulatedStep step = simulate_job(golden_job(), request).simulation;
  CHECK(draws == 5);
  REQUIRE(step.drawn);
  CHECK(step.drawn->draws == 5);
  CHECK(step.drawn->fifth <= step.drawn->median);
  CHECK(step.time == step.drawn->median);

  struct Cancelled : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  request.progress = [](const std::string&, std::int64_t, std::int64_t) { throw Cancelled("enough"); };
  CHECK_THROWS_AS(simulate_job(golden_job(), request), Cancelled);
}

TEST_CASE("the trace goes to the caller's stream") {
  std::ostringstream out;
  SimulationRequest request;
  request.trace.emplace(TraceRequest{.out = out});
  simulate_job(golden_job(), request);
  CHECK_THAT(out.str(), ContainsSubstring("stage 1"));
}

TEST_CASE("a job that says what fails is trained with failures, and table and record show it") {
  JobSpec job = golden_job();
  job.training.tokens = Tokens(std::int64_t{1} << 50);  // long enough for thousands of checkpoints
  job.training.failures = FailureSpec{};
  job.training.failures->mtbf_per_device = Seconds(1e6);
  job.training.failures->checkpoint_write = Seconds(1.0);
  job.training.failures->restart = Seconds(10.0);
  const SimulatedJob done = simulate_job(job, {});
  REQUIRE(done.trainings);
  CHECK(done.trainings->runs >= 20);
  CHECK(done.trainings->goodput == Approx(done.planned.estimate.training.failures->goodput)
                                       .margin(5.0 * done.trainings->standard_error + 1e-6));
  CHECK_THAT(simulation_table(done), ContainsSubstring("trainings played failure by failure"));
  const std::vector<SimulatedJob> jobs{done};
  const std::string csv = report::record_csv(report::simulation_record(jobs));
  CHECK_THAT(csv, ContainsSubstring(",simulation.network,simulation.ranks,"));
  CHECK_THAT(csv, ContainsSubstring(",simulation.trainings.runs,"));
  CHECK_THAT(csv, ContainsSubstring(",alpha-beta,2,"));
}

}  // namespace
}  // namespace foreshard::test
