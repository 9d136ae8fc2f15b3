// How evenly experts' rows spread over ranks.
#include "planner/spec/types/rank_loads.hpp"

#include "planner/spec/types/normal_quantile.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

TEST_CASE("a number is the busiest rank's, and the others share the rest") {
  const ExpertsSpec experts{.count = 8, .per_token = 2, .hidden = 16, .imbalance = 1.5};
  CHECK(rank_loads(experts, 4).most == 1.5);
  CHECK(rank_loads(experts, 4).least == Approx((4 - 1.5) / 3));
  CHECK(rank_loads(experts, 1).least == 1.0);
}

TEST_CASE("loads expert by expert add up to those of ranks") {
  // Of 8 in all over 4 ranks 2 is the mean: ranks have 3, 1, 4 and 0.
  const ExpertsSpec experts{.count = 8, .per_token = 2, .hidden = 16, .loads = {2, 1, 1, 0, 1, 3, 0, 0}};
  CHECK(rank_loads(experts, 4).most == 2.0);
  CHECK(rank_loads(experts, 4).least == 0.0);
  CHECK(rank_loads(experts, 8).most == 3.0);
  // Two ranks: 4 and 4.
  CHECK(rank_loads(experts, 2).most == 1.0);
  CHECK(rank_loads(experts, 1).most == 1.0);
}

TEST_CASE("a spread of experts' loads shrinks with the experts of a rank and grows with ranks") {
  const ExpertsSpec experts{.count = 64, .per_token = 2, .hidden = 16, .load_spread = 0.4};
  // 16 experts a rank: 0.4/4 = 0.1; the largest of 4 lies at the quantile 3.625/4.25 = 0.853, 1.049 deviations.
  CHECK(rank_loads(experts, 4).most == Approx(1.1049).epsilon(1e-3));
  CHECK(rank_loads(experts, 4).least == Approx(0.8951).epsilon(1e-3));
  CHECK(rank_loads(experts, 1).most == 1.0);
  CHECK(rank_loads(experts, 64).most > rank_loads(experts, 4).most);
  // No rank can get more than all rows.
  const ExpertsSpec wild{.count = 4, .per_token = 1, .hidden = 16, .load_spread = 9.0};
  CHECK(rank_loads(wild, 2).most == 2.0);
  CHECK(rank_loads(wild, 2).least == 0.0);
}

TEST_CASE("quantiles of a normal variable") {
  CHECK(normal_quantile_of(0.5) == Approx(0.0).margin(1e-9));
  CHECK(normal_quantile_of(0.97725) == Approx(2.0).epsilon(1e-4));  // one in 44 lies beyond two deviations
  CHECK(largest_of_normals(1) == 0.0);
}
