#include <algorithm>

#include <nlohmann/json.hpp>

#include "planner/report/sweep_table.hpp"
#include "planner/report/table.hpp"
#include "planner/report/validation_table.hpp"
#include "tests/planner/report/written.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

namespace foreshard::test {
namespace {

JobSpec two_ranks() {
  JobSpec job;
  job.name = "tiny";
  job.model = llama_shaped(2, 16, 24, 4, 4, 30);
  job.cluster = round_cluster(1, 2);
  job.parallelism.tp = 2;
  job.training.sequence_length = 8;
  job.training.micro_batch = 2;
  job.training.global_batch = 4;
  return job;
}

/// A step of 100 ms that was predicted to take 90: 10% too fast.
Validation sample() {
  Validation v;
  v.machine = "2 ranks of here";
  v.numerics = NumericsCheck{.loss = 1e-8,
                             .outputs = 2e-7,
                             .gradients = 3e-7,
                             .gradients_compared = 15,
                             .bound = 1e-5,
                             .gradients_bound = 1e-5};
  v.counts = {.flops = {1000, 1000}, .payload_bytes = {64, 64}, .calls = {2, 2}, .peak_bytes = {4096, 4096}};
  v.arena = Bytes(5000);
  v.basis = Basis::replay;
  v.steps = 20;
  const OpGroup gemm{.component = Component::ffn, .kind = "gemm", .phase = Phase::forward, .calls = 8};
  const OpGroup small{.component = Component::norm, .kind = "norm", .phase = Phase::forward, .calls = 4};
  v.rows = {{gemm, {Seconds(0.054), Seconds(0.060), Seconds(0.002)}},
            {small, {Seconds(0.0001), Seconds(0.0002), Seconds(0.0)}}};
  v.overhead = {Seconds(0.0), Seconds(0.001), Seconds(0.0)};
  v.step = {Seconds(0.090), Seconds(0.100), Seconds(0.003)};
  return v;
}

TEST_CASE("an error is predicted over measured, less one") {
  const PredictedAndMeasured time{Seconds(0.09), Seconds(0.1), Seconds(0.0)};
  CHECK(*time.error() == Approx(-0.1));
  CHECK(!PredictedAndMeasured{Seconds(0.0), Seconds(0.1), Seconds(0.0)}.error());
  CHECK(!PredictedAndMeasured{Seconds(0.1), Seconds(0.0), Seconds(0.0)}.error());
}

TEST_CASE("a validation passes where numerics, counts and the tolerance hold") {
  Validation v = sample();
  CHECK(v.passed());
  v.tolerance = 0.11;
  CHECK(v.passed());
  v.tolerance = 0.09;
  CHECK(!v.passed());
  v.tolerance.reset();
  v.counts.calls.counted = 3;
  CHECK(!v.passed());
  v = sample();
  v.numerics->gradients = 2e-5;
  CHECK(!v.passed());
}

TEST_CASE("the table says what was compared, counted, predicted and measured") {
  Validation v = sample();
  v.tolerance = 0.05;
  v.other_step = Seconds(0.110);
  const std::string text = validation_table(two_ranks(), v);
  CHECK_THAT(text,
             ContainsSubstring("loss, outputs and 15 gradients equal the unsharded run (worst 3.0e-07"));
  CHECK_THAT(text,
             ContainsSubstring("1,000 FLOPs, 64 bytes in 2 calls, 4,096 bytes at the peak: as planned"));
  CHECK_THAT(text, ContainsSubstring("ffn GEMM forward"));
  CHECK_THAT(text, ContainsSubstring("60.00 ± 2.00"));
  CHECK_THAT(text, ContainsSubstring("−10.0%"));
  // Less than half a percent of the step stands in "the rest".
  CHECK_THAT(text, ContainsSubstring("the rest"));
  CHECK_THAT(text, !ContainsSubstring("norm forward"));
  CHECK_THAT(text, ContainsSubstring(
                       "Basis: replay; model: 110 ms (+10.0%). The prediction does not hold within 5.0%."));
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos;
       begin = end + 1, end = text.find('\n', begin))
    CHECK(report::display_width(text.substr(begin, end - begin)) <= report::kWidth);
}

TEST_CASE("where collectives run beside kernels, a row says what of them was not hidden") {
  Validation v = sample();
  CHECK_THAT(validation_table(two_ranks(), v), !ContainsSubstring("not hidden"));
  CHECK(nlohmann::json::parse(validation_json(two_ranks(), v))["exposed"].is_null());
  v.exposed = PredictedAndMeasured{Seconds(0.012), Seconds(0.015), Seconds(0.001)};
  CHECK_THAT(validation_table(two_ranks(), v), ContainsSubstring("of collectives, not hidden") &&
                                                   ContainsSubstring("15.00 ± 1.00") &&
                                                   ContainsSubstring("−20.0%"));
  const auto json = nlohmann::json::parse(validation_json(two_ranks(), v));
  CHECK(json["exposed"]["predicted_s"].get<double>() == Approx(0.012));
  CHECK(json["exposed"]["error"].get<double>() == Approx(-0.2));
}

TEST_CASE("what differs is shown with what was planned") {
  Validation v = sample();
  v.counts.flops.counted = 999;
  v.numerics->outputs = 0.5;
  const std::string text = validation_table(two_ranks(), v);
  CHECK_THAT(text, ContainsSubstring("999 FLOPs (planned 1,000)"));
  CHECK_THAT(text, ContainsSubstring("outputs 5.0e-01"));
  CHECK_THAT(text, !ContainsSubstring("as planned"));
}

TEST_CASE("how tokens spread over experts stands beside what was planned") {
  Validation v = sample();
  v.numerics->tokens_rerouted = 2;
  v.counts.routing = RoutingCheck{.fewest_rows = 3,
                                  .most_rows = 1101,
                                  .mean_rows = 32.0,
                                  .imbalance = 1.234,
                                  .planned_imbalance = 2.0,
                                  .planned_flops = 1500,
                                  .planned_payload = 96};
  const std::string text = validation_table(two_ranks(), v);
  CHECK_THAT(text, ContainsSubstring("norm-wise, 2"));
  CHECK_THAT(text, ContainsSubstring("3 to 1,101 rows per expert, 32.0 if even"));
  CHECK_THAT(text, ContainsSubstring("1.23 of the mean"));
  const auto json = nlohmann::json::parse(validation_json(two_ranks(), v));
  CHECK(json["routing"]["rows_per_expert"]["min"] == 3);
  CHECK(json["routing"]["rows_per_expert"]["max"] == 1101);
  CHECK(json["routing"]["planned_imbalance"].get<double>() == Approx(2.0));
  CHECK(json["routing"]["planned_flops"] == 1500);
  CHECK(json["numerics"]["tokens_rerouted"] == 2);
}

TEST_CASE("the JSON has the keys of the contract") {
  const auto json = nlohmann::json::parse(validation_json(two_ranks(), sample()));
  CHECK(json["step"]["predicted_s"].get<double>() == Approx(0.09));
  CHECK(json["step"]["measured_s"].get<double>() == Approx(0.1));
  CHECK(json["step"]["spread_s"].get<double>() == Approx(0.003));
  CHECK(json["step"]["error"].get<double>() == Approx(-0.1));
  CHECK(json["step"]["basis"] == "replay");
  REQUIRE(json["operations"].size() == 2);
  CHECK(json["operations"][0]["kind"] == "gemm");
  CHECK(json["operations"][0]["phase"] == "forward");
  CHECK(json["operations"][0]["count"] == 8);
  CHECK(json["operations"][0]["error"].get<double>() == Approx(-0.1));
  CHECK(json["memory"]["predicted_bytes"] == 4096);
  CHECK(json["memory"]["measured_bytes"] == 4096);
  CHECK(json["memory"]["error"].get<double>() == Approx(0.0));
  CHECK(json["numerics"]["passed"] == true);
  CHECK(json["passed"] == true);
}

/// Two variants: predicted and measured step times in seconds.
Sweep sweep_of(Seconds predicted_1, Seconds measured_1, Seconds predicted_2, Seconds measured_2) {
  Sweep sweep;
  for (const std::int64_t tp : {1, 2}) {
    SweepEntry entry{.job = two_ranks()};
    entry.job.parallelism.tp = tp;
    entry.validation = sample();
    entry.validation->step = {tp == 1 ? predicted_1 : predicted_2, tp == 1 ? measured_1 : measured_2,
                              Seconds(0.001)};
    sweep.entries.push_back(entry);
  }
  return sweep;
}

TEST_CASE("a sweep says whether the predicted order is the measured one") {
  const Sweep right = sweep_of(Seconds(0.2), Seconds(0.21), Seconds(0.1), Seconds(0.12));
  CHECK(right.same_order());
  CHECK(right.passed());
  CHECK_THAT(sweep_table(two_ranks(), right),
             ContainsSubstring("The predicted order is the measured one: tp 2, tp 1."));
  // 0.2 / 0.21 − 1, with the minus sign that all tables have.
  CHECK_THAT(sweep_table(two_ranks(), right), ContainsSubstring("  −4.8%"));
  const Sweep wrong = sweep_of(Seconds(0.1), Seconds(0.21), Seconds(0.2), Seconds(0.12));
  CHECK(!wrong.same_order());
  CHECK(!wrong.passed());
  CHECK_THAT(sweep_table(two_ranks(), wrong),
             ContainsSubstring("predicted order is tp 1, tp 2; measured it is tp 2, tp 1."));
  CHECK(nlohmann::json::parse(sweep_json(two_ranks(), wrong))["same_order"] == false);
}

TEST_CASE("variants that cannot run are listed with the reason") {
  Sweep sweep = sweep_of(Seconds(0.2), Seconds(0.21), Seconds(0.1), Seconds(0.12));
  sweep.entries[0].validation.reset();
  sweep.entries[0].why_not = "tp 1: too large";
  const std::string text = sweep_table(two_ranks(), sweep);
  CHECK_THAT(text, ContainsSubstring("tp 1: too large"));
  CHECK_THAT(text, ContainsSubstring("Fewer than two variants ran"));
  const std::string json = sweep_json(two_ranks(), sweep);
  CHECK(nlohmann::json::parse(json)["variants"][0]["why_not"] == "tp 1: too large");
  CHECK(nlohmann::json::parse(json)["variants"][0]["job"]["tp"] == 1);
  // A row each, of which the first has no step.
  const std::string csv = report::record_csv(report::sweep_record(two_ranks(), sweep));
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 3);
}

}  // namespace
}  // namespace foreshard::test
