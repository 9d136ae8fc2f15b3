#include "sim/failures/failure_run.hpp"

#include <cmath>

#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

TEST_CASE("trainings played failure by failure agree with the closed form within their standard error") {
  for (const double restart : {0.0, 300.0}) {
    const FailureModel model{Seconds(10'000.0), Seconds(30.0), Seconds(restart)};
    const Seconds interval(700.0);
    const PlayedTrainings runs = play_failures(model, interval, Seconds(700.0 * 2000.0), 400, 7).value();
    CAPTURE(restart);
    // The mean of a ratio is not the ratio of the means, but with 2000 segments per run they differ by less
    // than this error.
    CHECK(std::abs(runs.goodput - goodput(model, interval)) < 4.0 * runs.standard_error);
    CHECK(runs.standard_error < 1e-3);
    CHECK(runs.fifth <= runs.median);
    CHECK(runs.median <= runs.ninety_fifth);
  }
}

TEST_CASE(
    "without failures a run takes its computing and its checkpoints, the last segment as short as it is") {
  const FailureModel model{Seconds(1e15), Seconds(10.0), Seconds(100.0)};
  const PlayedTrainings runs = play_failures(model, Seconds(100.0), Seconds(250.0), 2, 1).value();
  CHECK(std::abs(runs.median.value() - (250.0 + 3 * 10.0)) < 1e-9);
  CHECK(runs.standard_error == 0.0);
}

TEST_CASE("the same seed plays the same runs, another others") {
  const FailureModel model{Seconds(1000.0), Seconds(10.0), Seconds(50.0)};
  const auto play = [&](std::uint64_t seed) {
    return play_failures(model, Seconds(100.0), Seconds(10'000.0), 20, seed).value().goodput;
  };
  CHECK(play(3) == play(3));
  CHECK(play(3) != play(4));
}

TEST_CASE("no more runs are played than end in seconds, and none where two would not") {
  // 10^6 segments have e^0.11 − 1 = 0.116 failures each. A failure draws once for the repeated segment and
  // e^0.05 times for restarts: 1.24·10^6 draws per run, so 5·10^7 draws allow 40 runs.
  const FailureModel often{Seconds(1000.0), Seconds(10.0), Seconds(50.0)};
  const PlayedTrainings fewer = play_failures(often, Seconds(100.0), Seconds(1e8), 1000, 1).value();
  CHECK(fewer.runs > 30);
  CHECK(fewer.runs < 50);
  // A restart that takes 20 times the time between failures succeeds once in e^20 = 5·10^8 attempts.
  const FailureModel hopeless{Seconds(10.0), Seconds(1.0), Seconds(200.0)};
  CHECK_FALSE(play_failures(hopeless, Seconds(10.0), Seconds(1e8), 1000, 1));
}

}  // namespace
}  // namespace foreshard::test
