#include "planner/cost/step/goodput.hpp"

#include <cmath>

#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

FailureModel model_of(double mtbf, double checkpoint, double restart) {
  return {Seconds(mtbf), Seconds(checkpoint), Seconds(restart)};
}

TEST_CASE("without failures goodput is what checkpoints leave: 540 of 600 seconds") {
  CHECK(std::abs(goodput(model_of(1e12, 60.0, 600.0), Seconds(540.0)) - 0.9) < 1e-6);
}

TEST_CASE(
    "goodput by hand: a second of work with a failure a second takes e − 1; a restart of ln 2 doubles it") {
  CHECK(std::abs(goodput(model_of(1.0, 0.0, 0.0), Seconds(1.0)) - 1.0 / (std::exp(1.0) - 1.0)) < 1e-15);
  CHECK(std::abs(goodput(model_of(1.0, 0.0, std::log(2.0)), Seconds(1.0)) - 0.5 / (std::exp(1.0) - 1.0)) <
        1e-15);
}

TEST_CASE("Young's and Daly's intervals by hand") {
  // √(2·2·100) = 20; δ/2M = 0.01: 20·(1 + 0.1/3 + 0.01/9) − 2
  const FailureModel model = model_of(100.0, 2.0, 5.0);
  CHECK(std::abs(young_interval(model).value() - 20.0) < 1e-12);
  CHECK(std::abs(daly_interval(model).value() - (20.0 * (1.0 + 0.1 / 3.0 + 0.01 / 9.0) - 2.0)) < 1e-12);
  CHECK(daly_interval(model_of(10.0, 20.0, 0.0)) == Seconds(10.0));
}

TEST_CASE("the best interval is where goodput is highest, and near Daly's") {
  for (const double checkpoint : {1.0, 30.0, 300.0}) {
    const FailureModel model = model_of(10'000.0, checkpoint, 600.0);
    const Seconds best = best_interval(model);
    CAPTURE(checkpoint);
    CHECK(goodput(model, best) >= goodput(model, 1.01 * best));
    CHECK(goodput(model, best) >= goodput(model, 0.99 * best));
    CHECK(std::abs(best / daly_interval(model) - 1.0) < 0.01);
    // The restart costs time, but does not change the best interval.
    CHECK(std::abs(best / best_interval(model_of(10'000.0, checkpoint, 0.0)) - 1.0) < 1e-6);
  }
}

TEST_CASE("spare nodes by hand: of Poisson's distribution at mean 1, 0.9810 lie up to 3 and 0.9963 up to 4") {
  CHECK(spare_nodes(model_of(100.0, 1.0, 1.0), Seconds(100.0)) == 5);
  // e^(−0.01) = 0.9900: none is away 99 times in 100, and one spare serves.
  CHECK(spare_nodes(model_of(100.0, 1.0, 1.0), Seconds(1.0)) == 1);
}

TEST_CASE(
    "where restarts fail before they end, a run makes no progress, and nothing is computed of its end") {
  // With 1 s between failures and a restart of 100 s, one restart in e^100 succeeds. The answer comes
  // immediately for any failure rate: also for one failure per microsecond, and for a restart whose e^(R/M)
  // overflows.
  for (const auto& [mtbf, restart] : {std::pair{1.0, 100.0}, std::pair{1e-6, 100.0}, std::pair{1.0, 1e12}}) {
    CAPTURE(mtbf, restart);
    const FailureSpec failures{.mtbf_per_device = Seconds(mtbf),
                               .checkpoint_write = Seconds(1.0),
                               .restart = Seconds(restart),
                               .checkpoint_interval = {},
                               .repair = Seconds(86'400.0)};
    const FailureFigures figures = failure_figures(failures, 1, Seconds(1e6), std::nullopt);
    CHECK(figures.goodput == 0.0);
    CHECK_FALSE(figures.time);
    CHECK_FALSE(figures.failures);
    CHECK_FALSE(figures.device_hours);
    CHECK_FALSE(figures.spares);
    CHECK(figures.interval > Seconds(0.0));
    CHECK(figures.interval <= 10.0 * Seconds(mtbf));
  }
}

TEST_CASE("spare nodes of a large mean are a normal distribution's 99% point") {
  // Mean 10^8, standard deviation 10^4: 10^8 + 2.3263·10^4, rounded up, and one more.
  CHECK(spare_nodes(model_of(1.0, 1.0, 1.0), Seconds(1e8)) == 100'023'265);
  // The sum of the distribution at a mean of 10^6 and the normal one agree to a node in 10^5.
  const auto exact = static_cast<double>(spare_nodes(model_of(1.0, 1.0, 1.0), Seconds(1e6)));
  const auto normal = static_cast<double>(spare_nodes(model_of(1.0, 1.0, 1.0), Seconds(1.000001e6)));
  CHECK(std::abs(normal / exact - 1.0) < 1e-5);
}

TEST_CASE("Llama 3 405B: 419 failures in 54 days on 16,384 devices, and more than 90% of the time in steps") {
  // Source: Llama team, "The Llama 3 Herd of Models", arXiv:2407.21783, section 3.3.4: 419 unexpected
  // interruptions in a 54-day snapshot, more than 90% effective training time. The times of checkpoint and
  // restart are not in it: 15 s and 5 min are assumed.
  constexpr double kDay = 86400.0;
  constexpr std::int64_t kDevices = 16384;
  const FailureSpec failures{.mtbf_per_device = Seconds(54.0 * kDay / 419.0 * kDevices),
                             .checkpoint_write = Seconds(15.0),
                             .restart = Seconds(300.0),
                             .checkpoint_interval = {},
                             .repair = {}};
  FailureFigures figures = failure_figures(failures, kDevices, Seconds(49.0 * kDay), std::nullopt);
  // Every 54·24/419 = 3.093 hours.
  CHECK(std::abs(figures.mtbf.value() / 3600.0 - 3.0931) < 1e-3);
  CHECK(figures.goodput > 0.9);
  CHECK(figures.goodput < 0.95);
  // The expected number of failures in the snapshot's duration is the observed one.
  figures = failure_figures(failures, kDevices, figures.goodput * Seconds(54.0 * kDay), std::nullopt);
  REQUIRE(figures.failures);
  REQUIRE(figures.time);
  CHECK(std::abs(*figures.failures - 419.0) < 1e-6);
  CHECK(std::abs(*figures.time / Seconds(kDay) - 54.0) < 1e-9);
}

}  // namespace
}  // namespace foreshard::test
