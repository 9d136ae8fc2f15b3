#include "planner/diagnose/diagnosis.hpp"

#include <cmath>
#include <numeric>

#include "planner/diagnose/group_axis.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/report/diagnose/diagnosis_table.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_jobs.hpp"
#include "tests/support/test_jobs.hpp"
#include "tests/support/test_traces.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

/// tp 4, dp 2 on one node.
JobSpec small_job() {
  JobSpec job = golden_job();
  job.name = "small";
  job.model = llama_shaped(2, 64, 128, 4, 4, 64);
  job.cluster = round_cluster(1);
  job.parallelism = {};
  job.parallelism.tp = 4;
  job.parallelism.dp = 2;
  return job;
}

TracedCollective of(std::string description, std::vector<std::int64_t> ranks, std::int64_t members) {
  TracedCollective collective;
  collective.kind = "all-reduce";
  collective.description = std::move(description);
  collective.ranks = std::move(ranks);
  collective.members = members;
  return collective;
}

}  // namespace

TEST_CASE("the planned parts add up to the step") {
  JobDraw draw(9);
  for (int i = 0; i < 40; ++i) {
    const JobSpec job = draw.next();
    const StepProgram program = build_step_program(job);
    const Estimate planned = estimate(job, program);
    const PartTimes parts = planned_parts(job, program, planned);
    const Seconds sum = std::accumulate(parts.begin(), parts.end(), Seconds());
    CAPTURE(i);
    CHECK(std::abs((sum - planned.step.time).value()) <= 1e-9 * planned.step.time.value());
  }
}

TEST_CASE("process groups by their description, ranks or size") {
  const JobSpec job = small_job();
  CHECK(group_of(of("TENSOR_MODEL_PARALLEL_GROUP", {}, 4), job) == GroupKind::tp);
  CHECK(axis_of(*group_of(of("DATA_PARALLEL_GROUP_WITH_CP", {0, 4}, 2), job)) == CommAxis::dp);
  CHECK(axis_of(*group_of(of("mesh_dp", {}, 2), job)) == CommAxis::dp);
  CHECK(group_of(of("", {4, 5, 6, 7}, 4), job) == GroupKind::tp);
  CHECK(axis_of(*group_of(of("", {1, 5}, 2), job)) == CommAxis::dp);
  CHECK(group_of(of("", {}, 4), job) == GroupKind::tp);
  CHECK_FALSE(group_of(of("", {0, 1}, 2), job));  // neither tp nor dp
  CHECK_FALSE(group_of(of("default_pg", {}, 8), job));
}

TEST_CASE("a trace beside its plan") {
  const JobSpec job = small_job();
  const Estimate planned = estimate(job);
  const ReadTrace read = read_trace(kOneStep);
  const TraceDiagnosis trace = diagnose_trace(job, planned, read.steps, read.header);
  const auto measured = [&](DiagnosedPart part) {
    return trace.measured[static_cast<std::size_t>(part)].value() * 1e6;
  };
  CHECK(measured(DiagnosedPart::products) == Approx(400));
  CHECK(measured(DiagnosedPart::tp) == Approx(130));
  CHECK(measured(DiagnosedPart::host) == Approx(140));
  CHECK(measured(DiagnosedPart::idle) == Approx(210));
  CHECK(std::accumulate(trace.measured.begin(), trace.measured.end(), Seconds()).value() == Approx(1e-3));
  REQUIRE(trace.collectives.size() == 1);
  // 2·3/4 of 2 MB in 200 µs: 15 GB/s; the plan's link sends 100 GB/s.
  CHECK(trace.collectives[0].bus->value() == Approx(15e9));
  CHECK(trace.collectives[0].planned_bus->value() == Approx(100e9));

  const Diagnosis diagnosis = diagnose(planned, trace, std::nullopt);
  CHECK(diagnosis.measured.value() == Approx(1e-3));
  CHECK(diagnosis.reached == Approx(planned.step.time.value() / 1e-3));
  const std::string text = diagnosis_table(job, diagnosis, "");
  CHECK(text.starts_with("Your step takes 1.00 ms; this plan should take "));
  CHECK_THAT(text, ContainsSubstring("idle, host late"));
  CHECK_THAT(text, ContainsSubstring("tp of 4"));
}

TEST_CASE("a log gives a measured block") {
  const JobSpec job = small_job();
  const Estimate planned = estimate(job);
  LoggedTimes log{.steps = 20,
                  .median = Seconds(2.0),
                  .lower_quartile = Seconds(1.9),
                  .upper_quartile = Seconds(2.2),
                  .outliers = 1,
                  .drift = 0.01,
                  .memory = Bytes(std::int64_t{40} << 30)};
  const Diagnosis diagnosis = diagnose(planned, std::nullopt, log);
  CHECK(diagnosis.measured == Seconds(2.0));
  const std::string text = diagnosis_table(job, diagnosis, "train.log");
  CHECK_THAT(text, ContainsSubstring(
                       "  measured:\n    step_time: 2 s\n    peak_memory: 40 GiB\n    memory_kind: reserved\n"
                       "    source: \"train.log: median of 20 steps\"\n"));
  CHECK_THAT(text, ContainsSubstring("(±7.5%)"));
}
