#include "planner/search/comparison.hpp"

#include <optional>
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

/// A legal variant with the given step time in seconds for 1,000 tokens, on devices of 80 GiB.
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

TEST_CASE("a lead is clear where it is as likely as a step in its band") {
  // Made steps have no work in common: σ = √2 · 0.1 / 1.2816 = 0.1103. Δ = ln 1.2 = 0.1823: Φ(1.652) = 0.951.
  const Comparison clear =
      rank_variants({made({.seconds = 10.0, .band = 0.1}), made({.seconds = 12.0, .band = 0.1})});
  CHECK(*clear.ahead == Approx(0.951).margin(0.001));
  CHECK_FALSE(clear.tie);
  // ln 1.05 = 0.0488: Φ(0.442) = 0.671.
  const Comparison close =
      rank_variants({made({.seconds = 10.0, .band = 0.1}), made({.seconds = 10.5, .band = 0.1})});
  CHECK(*close.ahead == Approx(0.671).margin(0.001));
  CHECK(close.tie);
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

TEST_CASE("what does not fit is ordered by what is missing") {
  const Comparison ranked = rank_variants(
      {made({.gibibytes = 100}), made({}), illegal(), made({.gibibytes = 81}), made({.gibibytes = 90})});
  CHECK(ranked.too_large == std::vector<std::size_t>{3, 4, 0});
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

TEST_CASE("idle devices are paid for") {
  ComparedVariant variant = made({.seconds = 6.0, .nodes = 2});
  variant.variant.job.cluster.price = DollarsPerSecond(0.5);
  variant.variant.job.cluster.idle_per_node = 1;
  // 0.5 USD/s · (8 + 1) · 2 devices · 6 s / 1,000 tokens
  CHECK(cost_per_token(variant)->value() == Approx(0.054));
}

TEST_CASE("a cluster breaks even where its tokens cost as much as the cheapest of another") {
  const auto on = [](const char* name, double seconds, std::optional<double> price) {
    ComparedVariant compared = made({.seconds = seconds});
    compared.variant.job.cluster.name = name;
    if (price) compared.variant.job.cluster.price = DollarsPerSecond(*price);
    return compared;
  };
  const Comparison ranked =
      rank_variants({on("a", 2.0, 3.0), on("a", 4.0, 3.0), on("b", 5.0, 1.0), on("c", 1.0, std::nullopt)});
  // USD for a step of 8 devices: a 2 · 3 = 6 and 12 of each, b 5 of each.
  CHECK(ranked.variants[0].break_even->value() == Approx(5.0 / 2.0));
  CHECK(ranked.variants[1].break_even->value() == Approx(5.0 / 4.0));
  CHECK(ranked.variants[2].break_even->value() == Approx(6.0 / 5.0));
  // Without a price of its own it may still break even.
  CHECK(ranked.variants[3].break_even->value() == Approx(5.0 / 1.0));
  CHECK_FALSE(rank_variants({on("a", 2.0, 3.0), on("a", 4.0, 3.0)}).variants[0].break_even);
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
  // The first variant of tp 4 cannot run, so the comparison is with two nodes.
  CHECK_FALSE(ranked.variants[2].speedup);
  CHECK(*ranked.variants[4].speedup == Approx(1.5));
  CHECK(*ranked.variants[4].efficiency == Approx(0.75));
  // If nodes are not varied, there is no scaling.
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
  // tp 2 needs time for collectives over 100 GB/s links that replicas on single devices (tp 1) do not need.
  CHECK(comparison.best == 0U);
}

TEST_CASE("variants that do not fit are advised with what is not varied") {
  JobSpec job;
  job.model = llama_shaped(8, 1024, 4096, 16, 8, 32'000);
  job.cluster = round_cluster(1);
  job.cluster.accelerator.memory_capacity = Bytes(std::int64_t{3} << 30);
  job.parallelism.dp = 8;
  job.training.sequence_length = 2048;
  job.training.micro_batch = 1;
  job.training.global_batch = 64;
  VariantAxes axes;
  axes.zero = {0, 1};
  const Comparison comparison = compare_variants(job, axes);
  REQUIRE_FALSE(comparison.too_large.empty());
  for (const std::size_t i : comparison.too_large) {
    const ComparedVariant& variant = comparison.variants[i];
    REQUIRE_FALSE(variant.advice.remedies.empty());
    for (const Remedy& remedy : variant.advice.remedies)
      CHECK(remedy.job.parallelism.zero == variant.variant.job.parallelism.zero);
  }
}
