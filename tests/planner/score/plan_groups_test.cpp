#include "planner/score/plan_groups.hpp"

#include <initializer_list>
#include <span>
#include <vector>

#include "tests/planner/score/sample_cases.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

TEST_CASE("plans of one source and question make a group") {
  std::vector<ScoredCase> cases = {
      sample_case({.predicted = 1.0, .devices = 16}),    sample_case({.predicted = 2.0}),
      sample_case({.predicted = 3.0, .devices = 16}),    sample_case({.predicted = 4.0}),
      sample_case({.source = "blog", .predicted = 5.0}), sample_case({.predicted = 6.0})};
  // On 16 devices: 0, 2. On 8: 1, 3, 5. The blog's is another source.
  const std::vector<PlanGroup> groups = group_plans(cases);
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].plans.size() == 2);
  REQUIRE(groups[1].plans.size() == 3);
  CHECK(groups[1].plans[0].cases == std::vector<std::size_t>{1});
  CHECK(groups[1].plans[2].cases == std::vector<std::size_t>{5});
  // Differences that put cases into separate groups.
  for (const auto& change : std::initializer_list<void (*)(Question&)>{
           [](Question& q) { q.model = "Llama"; }, [](Question& q) { q.parameters = Parameters(7); },
           [](Question& q) { q.accelerator = "other"; }, [](Question& q) { q.global_batch = 1; },
           [](Question& q) { q.sequence_length = 1; }}) {
    std::vector<ScoredCase> changed = cases;
    change(changed[3].question);
    CHECK(group_plans(changed)[1].plans.size() == 2);
  }
}

TEST_CASE("regret is what the plan predicted fastest takes over the fastest") {
  // The second is predicted fastest and takes 12 s; the third takes 10 s.
  const std::vector<ScoredCase> cases = {sample_case({.predicted = 9.0, .measured = 15.0}),
                                         sample_case({.predicted = 7.0, .measured = 12.0}),
                                         sample_case({.predicted = 8.0, .measured = 10.0})};
  const std::vector<PlanGroup> groups = group_plans(cases);
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].regret == Approx(0.2));
  // Ranks 3 1 2 against 3 2 1: d = 0, −1, 1, and 1 − 6·2/(3·8).
  CHECK(groups[0].rank_correlation == Approx(0.5));
}

TEST_CASE("of plans predicted alike the slowest is regretted") {
  const std::vector<ScoredCase> cases = {sample_case({.predicted = 7.0, .measured = 10.0}),
                                         sample_case({.predicted = 7.0, .measured = 13.0}),
                                         sample_case({.predicted = 7.0, .measured = 11.0})};
  const std::vector<PlanGroup> groups = group_plans(cases);
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].regret == Approx(0.3));
  CHECK(groups[0].rank_correlation == 0.0);
}

TEST_CASE("a ranking is the mean over groups") {
  std::vector<ScoredCase> cases;
  // On 8 devices the order is right. On 16 it is reversed: the plan of 5 s is chosen, the best takes 4 s.
  for (const double seconds : {1.0, 2.0, 3.0})
    cases.push_back(sample_case({.predicted = seconds, .measured = seconds}));
  for (const double seconds : {4.0, 4.5, 5.0})
    cases.push_back(sample_case({.predicted = 9.0 - seconds, .measured = seconds, .devices = 16}));
  const auto ranking = rank_groups(cases);
  REQUIRE(ranking);
  CHECK(ranking->groups == 2);
  CHECK(ranking->rank_correlation == Approx(0.0).margin(1e-12));
  // (0 + 5/4 − 1) / 2
  CHECK(ranking->regret == Approx(0.125));
  // Two plans make no rank, but a pair: 1 s against 2 s.
  const auto two = rank_groups(std::span(cases).first(2));
  REQUIRE(two);
  CHECK(two->groups == 0);
  CHECK(two->clear_pairs == 1);
  CHECK_FALSE(rank_groups(std::span(cases).first(1)));
}

TEST_CASE("of pairs that clearly differ the slower one should be predicted slower") {
  // 10 and 10.5 s are alike. 12 s is clearly slower than both: predicted so against 10.5, not against 10.
  const std::vector<ScoredCase> cases = {sample_case({.predicted = 3.0, .measured = 10.0}),
                                         sample_case({.predicted = 1.0, .measured = 10.5}),
                                         sample_case({.predicted = 2.0, .measured = 12.0})};
  const std::vector<PlanGroup> groups = group_plans(cases);
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].clear_pairs == 2);
  CHECK(groups[0].right_pairs == 1);
}

TEST_CASE("repeats of one plan count as one") {
  // The plan a took 10, 14 and 12 s: 12 s. b took 11 s and is predicted faster.
  const std::vector<ScoredCase> cases = {sample_case({.predicted = 9.0, .measured = 10.0, .plan = "a"}),
                                         sample_case({.predicted = 9.0, .measured = 14.0, .plan = "a"}),
                                         sample_case({.predicted = 9.0, .measured = 12.0, .plan = "a"}),
                                         sample_case({.predicted = 8.0, .measured = 11.0, .plan = "b"})};
  const std::vector<PlanGroup> groups = group_plans(cases);
  REQUIRE(groups.size() == 1);
  REQUIRE(groups[0].plans.size() == 2);
  CHECK(groups[0].plans[0].measured == Seconds(12.0));
  CHECK(groups[0].regret == 0.0);
}
