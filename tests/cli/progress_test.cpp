#include "cli/terminal/progress.hpp"

#include <chrono>

#include "tests/support/catch.hpp"

using namespace foreshard::cli;

TEST_CASE("work that is done soon is not spoken of, and the rest not too often") {
  using std::chrono::milliseconds;
  const ProgressPace::Clock::time_point begin{};
  ProgressPace pace(begin);
  const auto is_due = [&](const char* what, int ms) { return pace.is_due(what, begin + milliseconds(ms)); };
  CHECK_FALSE(is_due("steps", 0));
  CHECK_FALSE(is_due("kernels", 299));  // nothing was shown yet, so nothing is new
  CHECK(is_due("steps", 300));
  CHECK_FALSE(is_due("steps", 349));
  CHECK(is_due("kernels", 349));  // new
  CHECK_FALSE(is_due("kernels", 398));
  CHECK(is_due("kernels", 399));
}
