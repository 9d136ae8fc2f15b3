#include "planner/search/comparison.hpp"

#include <utility>
#include <vector>

#include "planner/search/capacity.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

struct Made {
  double seconds = 1.0;
  double band = 0.0;  ///< relative
  std::int64_t gibibytes = 10;
  std::int64_t nodes = 1;
};

/// A legal variant with a step of so many seconds for 1,000 tokens, on devices of 80 GiB.
ComparedVariant made(const Made& figures) {
  ComparedVariant compared;
  compared.variant.job.cluster = round_cluster(figures.nodes);
  Estimate estimate;
  estimate.step.time = Seconds(figures.seconds);
  estimate.step.spread = figures.band;
  estimate.step.tokens = 1000.0;
  estimate.memory.capacity = Bytes(std::int64_t{80} << 30);
  estimate.memory.reserved = Bytes(figures.gibibytes << 30);
  estimate.memory.fits = figures.gibibytes <= 80;
  compared.estimate = estimate;
  return compared;
}

ComparedVariant illegal() {
  ComparedVariant compared;
  compared.variant.illegal = "no";
  return compared;
}

}  // namespace

TEST_CASE("the fastest that fits is the best, the next the runner-up") {
  const Comparison ranked =
      rank_variants({illegal(), made({.seconds = 1.0, .gibibytes = 81}), made({.seconds = 3.0}),
                     made({.seconds = 2.0}), made({.seconds = 2.5})});
  CHECK(ranked.best == 3U);
  CHECK(ranked.runner_up == 4U);
  CHECK_FALSE(ranked.tie);
  CHECK_FALSE(ranked.nearest);
}

TEST_CASE("what variants have in common does not make them a tie") {
  // Kernels within 5%: 10.5 < 11.4. The whole bands, 7 – 13 and 8 – 16, would overlap.
  ComparedVariant faster = made({.seconds = 10.0, .band = 0.05});
  ComparedVariant slower = made({.seconds = 12.0, .band = 0.05});
  faster.estimate->step.time_low = Seconds(7.0);
  faster.estimate->step.time_high = Seconds(13.0);
  slower.estimate->step.time_low = Seconds(8.0);
  slower.estimate->step.time_high = Seconds(16.0);
  CHECK_FALSE(rank_variants({faster, slower}).tie);
}

TEST_CASE("bands that touch are a tie") {
  // 10 + 1 and 12 − 1.2: 11.0 ≥ 10.8; with 5%: 10.5 < 11.4.
  CHECK(rank_variants({made({.seconds = 10.0, .band = 0.1}), made({.seconds = 12.0, .band = 0.1})}).tie);
  CHECK_FALSE(
      rank_variants({made({.seconds = 10.0, .band = 0.05}), made({.seconds = 12.0, .band = 0.05})}).tie);
}

TEST_CASE("of equals the first is named first") {
  const Comparison ranked = rank_variants({made({.seconds = 2.0}), made({.seconds = 2.0})});
  CHECK(ranked.best == 0U);
  CHECK(ranked.runner_up == 1U);
  CHECK(ranked.tie);
}

TEST_CASE("steps of more tokens may take longer") {
  ComparedVariant longer = made({.seconds = 3.0});
  longer.estimate->step.tokens = 2000.0;
  // 1.5 against 2 milliseconds per token.
  CHECK(rank_variants({made({.seconds = 2.0}), longer}).best == 1U);
}

TEST_CASE("one that fits has no runner-up") {
  const Comparison ranked = rank_variants({made({.gibibytes = 81}), made({.seconds = 9.0})});
  CHECK(ranked.best == 1U);
  CHECK_FALSE(ranked.runner_up);
}

TEST_CASE("where nothing fits the nearest is named") {
  const Comparison ranked =
      rank_variants({made({.gibibytes = 100}), illegal(), made({.gibibytes = 81}), made({.gibibytes = 90})});
  CHECK_FALSE(ranked.best);
  CHECK(ranked.nearest == 2U);
  CHECK_FALSE(rank_variants({illegal()}).nearest);
}

TEST_CASE("cheapest is a question of price and devices") {
  ComparedVariant slow = made({.seconds = 6.0, .nodes = 1});
  ComparedVariant fast = made({.seconds = 4.0, .nodes = 2});
  CHECK_FALSE(rank_variants({slow, fast}).cheapest);
  slow.variant.job.cluster.price = DollarsPerSecond(0.5);
  CHECK_FALSE(rank_variants({slow, fast}).cheapest);
  fast.variant.job.cluster.price = DollarsPerSecond(0.5);
  const Comparison ranked = rank_variants({slow, fast});
  CHECK(ranked.best == 1U);
  CHECK(ranked.cheapest == 0U);
  // 0.5 USD/s · 8 devices · 6 s / 1,000 tokens
  CHECK(cost_per_token(ranked.variants[0])->value() == Approx(0.024));
  CHECK(cost_per_token(ranked.variants[1])->value() == Approx(0.032));
}

TEST_CASE("speed-up and efficiency are against the first nodes with all else equal") {
  const auto variant = [](double seconds, std::int64_t nodes, std::int64_t tp) {
    ComparedVariant compared = made({.seconds = seconds, .nodes = nodes});
    compared.variant.choices = {{Axis::tp, tp}, {Axis::nodes, nodes}};
    return compared;
  };
  ComparedVariant first = variant(0.0, 1, 4);
  first.estimate.reset();
  first.variant.illegal = "no";
  const Comparison ranked =
      rank_variants({variant(8.0, 1, 2), variant(2.5, 4, 2), first, variant(6.0, 2, 4), variant(4.0, 4, 4)});
  CHECK(*ranked.variants[0].speedup == Approx(1.0));
  CHECK(*ranked.variants[0].efficiency == Approx(1.0));
  // 8 / 2.5 on four times the devices
  CHECK(*ranked.variants[1].speedup == Approx(3.2));
  CHECK(*ranked.variants[1].efficiency == Approx(0.8));
  // The first of tp 4 cannot run: against two nodes.
  CHECK_FALSE(ranked.variants[2].speedup);
  CHECK(*ranked.variants[4].speedup == Approx(1.5));
  CHECK(*ranked.variants[4].efficiency == Approx(0.75));
  // Nodes that are not varied scale nothing.
  CHECK_FALSE(rank_variants({made({})}).variants[0].speedup);
}

TEST_CASE("a job is planned in all its variants") {
  JobSpec job;
  job.model = llama_shaped(8, 1024, 4096, 16, 8, 32'000);
  job.cluster = round_cluster(1);
  job.parallelism.dp = 8;
  job.training.sequence_length = 2048;
  job.training.micro_batch = 1;
  job.training.global_batch = 64;
  VariantAxes axes;
  axes.tp = {1, 2, 3};
  const Comparison comparison = compare_variants(job, axes);
  REQUIRE(comparison.variants.size() == 3);
  CHECK(comparison.variants[1].fits());
  CHECK(comparison.variants[1].estimate->step.time == estimate(comparison.variants[1].variant.job).step.time);
  CHECK(comparison.variants[1].largest_micro_batch ==
        largest_micro_batch(comparison.variants[1].variant.job));
  CHECK(comparison.variants[1].longest_sequence == longest_sequence(comparison.variants[1].variant.job));
  CHECK_FALSE(comparison.variants[2].estimate);
  CHECK_FALSE(comparison.variants[2].largest_micro_batch);
  // Collectives over 100 GB/s links cost what one device's replicas do not pay.
  CHECK(comparison.best == 0U);
}
