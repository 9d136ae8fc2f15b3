#include "planner/score/band_fit.hpp"

#include <stdexcept>
#include <vector>

#include "planner/cost/step/error_band.hpp"
#include "tests/planner/score/sample_cases.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// A case with this relative deviation of the measured step from the predicted one, and kernels within ±30%.
ScoredCase off_by(double deviation, const std::string& source = "paper") {
  return sample_case(
      {.source = source, .predicted = 10.0, .measured = 10.0 * (1.0 + deviation), .spread = 0.3});
}

}  // namespace

TEST_CASE("independent errors add as squares") {
  // 3, 4, 5
  CHECK(band_half_width(0.3, 0.4) == Approx(0.5));
  CHECK(band_half_width(0.3, 0.0) == Approx(0.3));
  CHECK(band_half_width(0.0) == Approx(kSystematicError));
}

TEST_CASE("the systematic error is the least that holds the share of the cases") {
  // With kernels within 0.3 they need √(d² − 0.09): 0 for 0.2, 0.4 for ±0.5.
  const std::vector<ScoredCase> cases = {off_by(0.5), off_by(-0.2), off_by(-0.5), off_by(0.78)};
  CHECK(systematic_error(cases, 0.25) == 0.0);
  CHECK(systematic_error(cases, 0.5) == Approx(0.4));
  CHECK(systematic_error(cases, 0.75) == Approx(0.4));
  // 0.78² − 0.3² = 0.72²
  CHECK(systematic_error(cases, 0.76) == Approx(0.72));
  CHECK(systematic_error(cases, 1.0) == Approx(0.72));
  CHECK_THROWS_AS(systematic_error({}, 0.5), std::invalid_argument);
  CHECK_THROWS_AS(systematic_error(cases, 1.5), std::invalid_argument);
}

TEST_CASE("coverage counts the cases within the band") {
  const std::vector<ScoredCase> cases = {off_by(0.5), off_by(-0.2), off_by(-0.5), off_by(0.78)};
  CHECK(band_coverage(cases, 0.0) == Approx(0.25));
  CHECK(band_coverage(cases, 0.39) == Approx(0.25));
  CHECK(band_coverage(cases, 0.41) == Approx(0.75));
  CHECK(band_coverage(cases, 0.73) == Approx(1.0));
  CHECK_THROWS_AS(band_coverage({}, 0.5), std::invalid_argument);
}

TEST_CASE("a source that is held out has no say in its band") {
  // The paper's four ask for 0.4, the blog's one for 0.72.
  std::vector<ScoredCase> cases = {off_by(0.5), off_by(0.5), off_by(-0.5), off_by(0.5), off_by(0.78, "blog")};
  const BandFit fit = fit_band(cases);
  // Four of five are 80%.
  CHECK(fit.systematic == Approx(0.4));
  CHECK(fit.coverage == Approx(0.8));
  REQUIRE(fit.held_out.size() == 2);
  CHECK(fit.held_out[0].name == "paper");
  CHECK(fit.held_out[0].n == 4);
  CHECK(fit.held_out[0].systematic == Approx(0.72));
  CHECK(fit.held_out[0].coverage == Approx(1.0));
  CHECK(fit.held_out[1].systematic == Approx(0.4));
  CHECK(fit.held_out[1].coverage == Approx(0.0));
  // (4 · 1 + 1 · 0) / 5
  REQUIRE(fit.held_out_coverage);
  CHECK(*fit.held_out_coverage == Approx(0.8));
}

TEST_CASE("a single source cannot be held out") {
  const BandFit fit = fit_band(std::vector<ScoredCase>{off_by(0.5)});
  CHECK(fit.systematic == Approx(0.4));
  CHECK(fit.held_out.empty());
  CHECK_FALSE(fit.held_out_coverage);
}
