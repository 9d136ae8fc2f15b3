#include "planner/score/band_fit.hpp"

#include <cmath>
#include <stdexcept>
#include <vector>

#include "planner/cost/step/error_band.hpp"
#include "tests/planner/score/sample_cases.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// A case with this relative deviation of the measured step from the predicted one.
ScoredCase off_by(double deviation, const std::string& source = "paper", double width = 1.0) {
  return sample_case({.source = source,
                      .predicted = 10.0,
                      .measured = 10.0 * (1.0 + deviation),
                      .plan = {},
                      .width = width});
}

}  // namespace

TEST_CASE("bands are wider around the same median") {
  const Deviations wider = widened({-0.1, 0.0, 0.1, 0.2, 0.4}, 2.0);
  // 0.1 + 2 · (−0.1 − 0.1), …
  CHECK(wider.tenth == Approx(-0.3));
  CHECK(wider.quarter == Approx(-0.1));
  CHECK(wider.median == Approx(0.1));
  CHECK(wider.three_quarters == Approx(0.3));
  CHECK(wider.nine_tenths == Approx(0.7));
}

TEST_CASE("a job is known less well with experts, or on an accelerator that nobody measured") {
  JobSpec job;
  auto& confidence = job.cluster.accelerator.confidence;
  const auto products = static_cast<std::size_t>(ConstantGroup::products);
  CHECK(width_of(job) == kDerivedWidth);
  confidence[products] = Confidence::measured_burst;
  CHECK(width_of(job) == 1.0);
  job.model.experts = ExpertsSpec{};
  CHECK(width_of(job) == kExpertsWidth);
  confidence[products] = Confidence::derived;
  CHECK(width_of(job) == kExpertsWidth * kDerivedWidth);
}

TEST_CASE("a source weighs as the square root of the number of its cases") {
  // The blog's one case weighs 1, the paper's two 1/√2 each: √2 together.
  const std::vector<ScoredCase> cases = {off_by(0.0, "blog"), off_by(0.4), off_by(0.5)};
  const double all = 1.0 + std::sqrt(2.0);
  // In the middle of its weight stands 0.0 at 0.5 of all, and 0.4 at 1 + √2/4.
  const double low = 0.5 / all;
  const double high = (1.0 + std::sqrt(2.0) / 4.0) / all;
  CHECK(fit_deviations(cases).median == Approx(0.4 * (0.5 - low) / (high - low)));
  CHECK_THROWS_AS(fit_deviations({}), std::invalid_argument);
}

TEST_CASE("a case whose band is wider counts with less of its distance") {
  // Around a median of 0: 0.4 in a band twice as wide is as far as 0.2 in the usual one.
  const Deviations fit =
      fit_deviations(std::vector<ScoredCase>{off_by(-0.2), off_by(0.0), off_by(0.4, "paper", 2.0)});
  CHECK(fit.median == Approx(0.0).margin(1e-12));
  CHECK(fit.nine_tenths == Approx(0.2));
  CHECK(fit.tenth == Approx(-0.2));
}

TEST_CASE("coverage counts the cases within their bands") {
  const Deviations band{-0.1, 0.0, 0.0, 0.0, 0.2};
  const std::vector<ScoredCase> cases = {off_by(0.15), off_by(-0.15), off_by(0.3), off_by(0.3, "paper", 2.0)};
  // 0.15 lies within, −0.15 and 0.3 do not; 0.3 does where the band is twice as wide.
  CHECK(band_coverage(cases, band) == Approx(0.5));
  CHECK_THROWS_AS(band_coverage({}, band), std::invalid_argument);
}

TEST_CASE("a source that is held out has no say in its band") {
  // The paper's four lie from 0.1 to 0.4, the blog's one at 0.2, the note's at 0.9.
  const std::vector<ScoredCase> cases = {off_by(0.1), off_by(0.25),        off_by(0.3),
                                         off_by(0.4), off_by(0.2, "blog"), off_by(0.9, "note")};
  const BandFit fit = fit_band(cases);
  REQUIRE(fit.held_out.size() == 3);
  CHECK(fit.held_out[0].name == "paper");
  CHECK(fit.held_out[0].n == 4);
  // From the blog's 0.2 to the note's 0.9: the paper's 0.1 lies outside.
  CHECK(fit.held_out[0].coverage == Approx(0.75));
  CHECK(fit.held_out[1].coverage == Approx(1.0));
  CHECK(fit.held_out[2].coverage == Approx(0.0));
  // (4 · 0.75 + 1) / 6 and (0.75 + 1 + 0) / 3
  CHECK(*fit.held_out_coverage == Approx(4.0 / 6.0));
  CHECK(*fit.held_out_per_source == Approx(1.75 / 3.0));
}

TEST_CASE("a single source cannot be held out") {
  const BandFit fit = fit_band(std::vector<ScoredCase>{off_by(0.5)});
  CHECK(fit.held_out.empty());
  CHECK_FALSE(fit.held_out_coverage);
  CHECK_FALSE(fit.own_runs);
}

TEST_CASE("runs of one's own take out what they have in common") {
  // All four lie 25% above: with three of them known nothing is left of the fourth's.
  std::vector<ScoredCase> cases;
  for (const double predicted : {1.0, 2.0, 4.0, 8.0})
    cases.push_back(sample_case({.predicted = predicted, .measured = 1.25 * predicted}));
  const auto own = fit_own_runs(cases);
  REQUIRE(own);
  CHECK(own->n == 4);
  // predicted / measured − 1 = 1 / 1.25 − 1
  CHECK(own->before == Approx(0.2));
  CHECK(own->corrected == Approx(0.0).margin(1e-12));
  CHECK(own->deviations.nine_tenths == Approx(0.0).margin(1e-12));
  // Repeats of one plan do not foretell it.
  for (ScoredCase& scored : cases) scored.plan = "the same";
  CHECK_FALSE(fit_own_runs(cases));
}
