#include "planner/report/compare_verdict.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/planner/report/sample_comparison.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using report::compare_verdict;

TEST_CASE("the winner, its lead and where the runner-up loses") {
  const std::vector<std::string> told = compare_verdict(sample_comparison());
  REQUIRE(told.size() == 3);
  // 10 / 8 − 1
  CHECK(told[0] ==
        "Best: tp 4, by 25.0% over tp 8; with the kernels' error it is ahead in more than 95 of 100.");
  // Of 8 s: 2.5 s are 31.25%, 0.5 s are 6.25%. Shares: 3.75 of 10 s, 1.25 of 8 s.
  CHECK(told[1] ==
        "tp 8 loses 31.2% to tp all-gathers and reduce-scatters over NVSwitch, 450 GB/s (37.5% of its step, "
        "15.6% at tp 4) and wins back 6.2% in the pipeline bubble.");
  CHECK_THAT(told[2],
             ContainsSubstring("tp 2 does not fit: 100.0 of 79.0 GiB per GPU; weights, gradients and "
                               "optimizer state alone are 98.0 GiB."));
}

TEST_CASE("without sequence parallelism tp all-reduces") {
  Comparison comparison = sample_comparison();
  comparison.variants[3].variant.job.parallelism.sequence_parallel = false;
  CHECK_THAT(compare_verdict(comparison)[1],
             ContainsSubstring("loses 31.2% to tp all-reduces over NVSwitch"));
}

TEST_CASE("a lead that may not be one is close, and it is told how often it is one") {
  Comparison comparison = rank_variants({sample_variant(4, 8.0), sample_variant(8, 8.8)});
  comparison.ahead = 0.68;
  comparison.tie = true;
  CHECK(compare_verdict(comparison)[0] ==
        "Close: tp 4 leads tp 8 by 10.0%, but with the kernels' error is ahead only in 7 of 10.");
  comparison.tie = false;
  comparison.ahead = 0.93;
  CHECK_THAT(compare_verdict(comparison)[0], ContainsSubstring("it is ahead in 9 of 10."));
  comparison.ahead = 0.97;
  CHECK_THAT(compare_verdict(comparison)[0], ContainsSubstring("it is ahead in more than 95 of 100."));
}

TEST_CASE("equals take the same time and need no reason") {
  const auto told = compare_verdict(rank_variants({sample_variant(4, 8.0), sample_variant(8, 8.0)}));
  REQUIRE(told.size() == 1);
  CHECK(told[0] == "Tie: tp 4 and tp 8 take the same time.");
}

TEST_CASE("the only one that fits is the best") {
  CHECK(compare_verdict(rank_variants({sample_variant(4, 8.0), illegal_variant(3)}))[0] ==
        "Best: tp 4, the only one of 2 that fits.");
  CHECK(compare_verdict(rank_variants({sample_variant(4, 8.0)}))[0] ==
        "sample fits; there is nothing to compare it with.");
}

TEST_CASE("where nothing fits, what comes nearest is told, and by how much it fails") {
  ComparedVariant nearer = too_large_variant(4);
  nearer.estimate->memory.reserved = gibibytes(84);
  const auto told = compare_verdict(rank_variants({too_large_variant(2), nearer, illegal_variant(3)}));
  REQUIRE(told.size() == 3);
  CHECK(told[0] == "Nothing fits. Nearest: tp 4, which lacks 6.00 GiB.");
  // 85 of 79 GiB before 100.
  CHECK_THAT(told[1], ContainsSubstring("tp 4 does not fit: "));
  CHECK_THAT(told[2], ContainsSubstring("tp 2 does not fit: "));
  CHECK(compare_verdict(rank_variants({illegal_variant(3), illegal_variant(5)}))[0] ==
        "None of the 2 variants can run.");
}

TEST_CASE("of many that do not fit, three are told") {
  const auto told =
      compare_verdict(rank_variants({too_large_variant(1), too_large_variant(2), too_large_variant(4),
                                     too_large_variant(8), too_large_variant(16)}));
  REQUIRE(told.size() == 5);
  CHECK(told[4] == "2 more do not fit.");
  CHECK(compare_verdict(rank_variants({too_large_variant(1), too_large_variant(2), too_large_variant(4),
                                       too_large_variant(8)}))
            .back() == "1 more does not fit.");
}

TEST_CASE("the cheapest is told where it is not the best") {
  ComparedVariant cheap = sample_variant(8, 10.0);
  cheap.variant.job.cluster.price = DollarsPerSecond(0.25 / 3600.0);
  const auto told = compare_verdict(rank_variants({sample_variant(4, 8.0), cheap}));
  // 0.25 USD/h · 64 / 3600 · 10 s / 4096 · 1e12 against 2.5 USD/h and 8 s
  CHECK(told.back() == "Cheapest: tp 8, 10,850,694 USD per 1e12 tokens against 86,805,556.");
}

TEST_CASE("more nodes are faster, not better, and scale with an efficiency and a reason") {
  std::vector<ComparedVariant> variants = sample_nodes();
  variants[0].estimate->step.breakdown.bubble = Seconds(0.0);
  const auto told = compare_verdict(rank_variants(variants));
  CHECK(
      told[0] ==
      "Fastest: 8 nodes, by 50.0% over 4 nodes; with the kernels' error it is ahead in more than 95 of 100.");
  // 12 / 8 on twice the devices. Shares: compute 5 of 12 and of 8 s, 41.7% and 62.5%; it grows most.
  CHECK(
      told.back() ==
      "8 nodes run 1.50× as fast as 4 nodes: 75.0% efficiency. What grows most is compute: from 41.7% of the "
      "step to 62.5%.");
}

TEST_CASE("what would make a variant fit is told with its memory and step") {
  ComparedVariant tight = too_large_variant(2);
  tight.advice.remedies.push_back({.settings = {{"parallelism.zero", "1"}, {"training.recompute", "full"}},
                                   .job = tight.variant.job,
                                   .needed = gibibytes(70),
                                   .step = Seconds(4.2),
                                   .slowdown = 0.05});
  CHECK_THAT(compare_verdict(rank_variants({tight})).back(),
             ContainsSubstring(" With parallelism.zero=1 and training.recompute=full it would fit: 70.0 GiB, "
                               "step 4.20 s (+5.0%)."));
  // If the winner has more devices, the verdict says so.
  tight.advice.remedies[0].job.cluster.nodes = 16;
  CHECK_THAT(compare_verdict(rank_variants({tight})).back(),
             ContainsSubstring(" it would fit on 128 GPUs: "));
}

TEST_CASE("clusters are told with the price at which they cost as much as another") {
  const auto on = [](const std::string& name, double seconds) {
    ComparedVariant compared = sample_variant_with(Axis::cluster, name, seconds);
    compared.variant.job.cluster.name = name;
    return compared;
  };
  ComparedVariant dear = on("dear", 5.0);
  dear.variant.job.cluster.price = DollarsPerSecond(5.0 / 3600.0);
  ComparedVariant unpriced = on("unpriced", 4.0);
  unpriced.variant.job.cluster.price.reset();
  // 10 s at 2.50 USD/h on as many devices: 5 s are worth 5.00 USD/h, 4 s are worth 6.25; and 10 s are worth
  // half of 5.00.
  const auto told = compare_verdict(rank_variants({dear, on("usual", 10.0), unpriced}));
  const auto has = [&](const std::string& sentence) {
    return std::find(told.begin(), told.end(), sentence) != told.end();
  };
  CHECK(
      has("dear: 5.00 USD/h per GPU; at 5.00 USD/h per GPU its total equals that of the cheapest other "
          "cluster."));
  CHECK(
      has("usual: 2.50 USD/h per GPU; at 2.50 USD/h per GPU its total equals that of the cheapest other "
          "cluster."));
  CHECK(
      has("unpriced: no price is known; at 6.25 USD/h per GPU its total equals that of the cheapest other "
          "cluster (--price unpriced=… says it)."));
}
