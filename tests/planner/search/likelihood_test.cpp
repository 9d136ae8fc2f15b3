#include "planner/search/likelihood.hpp"

#include <cmath>

#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

struct Parts {
  double products = 0.0;  ///< seconds
  double tp = 0.0;        ///< exposed
  double bubble = 0.0;
};

/// A step of these parts for 1,000 tokens, with a band of ±12.816%, whose standard deviation is 10%.
ComparedVariant planned_with(const Parts& parts) {
  ComparedVariant compared;
  compared.variant.job.cluster = round_cluster(1);
  Estimate estimate;
  StepFigures& step = estimate.step;
  step.breakdown.compute = Seconds(parts.products);
  step.breakdown.tp_exposed = Seconds(parts.tp);
  step.breakdown.bubble = Seconds(parts.bubble);
  step.detail.gemms = Seconds(parts.products);
  step.time = Seconds(parts.products + parts.tp + parts.bubble);
  step.tokens = 1000.0;
  step.spread = 0.12816;
  estimate.memory.fits = true;
  compared.estimate = estimate;
  return compared;
}

ComparedVariant with_tp(ComparedVariant compared, std::int64_t tp) {
  compared.variant.job.parallelism.tp = tp;
  return compared;
}

}  // namespace

TEST_CASE("plans that spend the same shares on the same kernels share their error") {
  const ComparedVariant a = planned_with({.products = 4.0, .tp = 1.0});
  const ComparedVariant b = planned_with({.products = 8.0, .tp = 2.0});
  CHECK(sigma_of_difference(a, b) == Approx(0.0).margin(1e-7));
  CHECK(probability_faster(a, b) == 1.0);
  CHECK(probability_faster(b, a) == 0.0);
  CHECK(probability_faster(a, a) == 0.5);
  // A bubble has the same relative error as the passes around it.
  CHECK(sigma_of_difference(a, planned_with({.products = 4.0, .tp = 1.0, .bubble = 2.0})) ==
        Approx(0.0).margin(1e-7));
}

TEST_CASE("the error of what both spend on the same work cancels, the rest does not") {
  // Shares 0.8 + 0.2 and 0.5 + 0.5: 0.5 + 0.2 is common. 10% · √(2 · (1 − 0.7)).
  const ComparedVariant a = planned_with({.products = 8.0, .tp = 2.0});
  const ComparedVariant b = planned_with({.products = 5.5, .tp = 5.5});
  CHECK(sigma_of_difference(a, b) == Approx(0.1 * std::sqrt(0.6)));
  // Δ = ln 1.1 = 0.09531 is 1.2305 σ; Φ of that by a table.
  CHECK(probability_faster(a, b) == Approx(0.8907).margin(0.0005));
  CHECK(probability_faster(b, a) == Approx(1.0 - 0.8907).margin(0.0005));
}

TEST_CASE("kernels of other sizes have half of their variance for themselves") {
  // All products: ρ = ½, 10% · √(2 · ½).
  const ComparedVariant a = planned_with({.products = 10.0});
  const ComparedVariant b = with_tp(planned_with({.products = 11.0}), 2);
  CHECK(sigma_of_difference(a, b) == Approx(0.1));
  // ln 1.1 / 0.1 = 0.953; Φ by a table.
  CHECK(probability_faster(a, b) == Approx(0.8297).margin(0.0005));
}

TEST_CASE("unlike clusters share nothing") {
  const ComparedVariant a = planned_with({.products = 10.0});
  ComparedVariant b = planned_with({.products = 10.0});
  b.variant.job.cluster.name = "elsewhere";
  CHECK(sigma_of_difference(a, b) == Approx(0.1 * std::sqrt(2.0)));
  CHECK(probability_faster(a, b) == Approx(0.5));
}
