#include "planner/score/statistics.hpp"

#include <cmath>
#include <stdexcept>
#include <vector>

#include "tests/support/catch.hpp"

using namespace foreshard;

TEST_CASE("quantiles lie straight between order statistics") {
  const std::vector<double> values = {40.0, 10.0, 30.0, 20.0};
  CHECK(quantile(values, 0.0) == 10.0);
  CHECK(quantile(values, 1.0) == 40.0);
  // h = 0.5 · 3 = 1.5: half-way from 20 to 30.
  CHECK(quantile(values, 0.5) == Approx(25.0));
  // h = 0.9 · 3 = 2.7: 30 + 0.7 · 10.
  CHECK(quantile(values, 0.9) == Approx(37.0));
  CHECK(quantile(std::vector<double>{7.0}, 0.9) == 7.0);
  CHECK_THROWS_AS(quantile({}, 0.5), std::invalid_argument);
  CHECK_THROWS_AS(quantile(values, 1.1), std::invalid_argument);
}

TEST_CASE("error statistics are of sizes, the bias of signed errors") {
  const ErrorStatistics errors = error_statistics(std::vector<double>{-0.3, 0.1, -0.1, 0.02});
  CHECK(errors.n == 4);
  // (0.3 + 0.1 + 0.1 + 0.02) / 4
  CHECK(errors.mean_abs == Approx(0.13));
  // of 0.02, 0.1, 0.1, 0.3
  CHECK(errors.median_abs == Approx(0.1));
  // 0.1 + 0.7 · 0.2
  CHECK(errors.p90_abs == Approx(0.24));
  // (−0.3 + 0.1 − 0.1 + 0.02) / 4
  CHECK(errors.bias == Approx(-0.07));
  CHECK_THROWS_AS(error_statistics({}), std::invalid_argument);
}

TEST_CASE("equal values share the mean of their ranks") {
  // 1 is first; the two 5 share ranks 2 and 3; the three 7 share 4, 5 and 6.
  CHECK(ranks(std::vector<double>{7.0, 5.0, 1.0, 7.0, 5.0, 7.0}) ==
        std::vector<double>{5.0, 2.5, 1.0, 5.0, 2.5, 5.0});
  CHECK(ranks({}).empty());
}

TEST_CASE("rank correlation sees order alone") {
  const std::vector<double> rising = {1.0, 2.0, 3.0, 4.0};
  CHECK(rank_correlation(rising, std::vector<double>{1.0, 10.0, 11.0, 1e6}) == Approx(1.0));
  CHECK(rank_correlation(rising, std::vector<double>{9.0, 7.0, 6.0, 0.5}) == Approx(-1.0));
  // Without ties 1 − 6·Σd²/(n·(n² − 1)); d = 0, 1, −1, 0: 1 − 12/60.
  CHECK(rank_correlation(rising, std::vector<double>{1.0, 3.0, 2.0, 4.0}) == Approx(0.8));
  // Ranks 1 2 3 4 against 1.5 1.5 3 4, about 2.5: (1.5 + 0.5 + 0.25 + 2.25) / √(5 · 4.5).
  CHECK(rank_correlation(rising, std::vector<double>{1.0, 1.0, 2.0, 3.0}) == Approx(4.5 / std::sqrt(22.5)));
}

TEST_CASE("what does not differ orders nothing") {
  const std::vector<double> rising = {1.0, 2.0, 3.0};
  CHECK(rank_correlation(rising, std::vector<double>{2.0, 2.0, 2.0}) == 0.0);
  CHECK_THROWS_AS(rank_correlation(rising, std::vector<double>{1.0, 2.0}), std::invalid_argument);
  CHECK_THROWS_AS(rank_correlation(std::vector<double>{1.0}, std::vector<double>{1.0}),
                  std::invalid_argument);
}
