#include "planner/report/compare_verdict.hpp"

#include <string>
#include <vector>

#include "tests/planner/report/sample_comparison.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using report::compare_verdict;

namespace {

/// Of a job that can be planned: a remedy is looked for by planning.
ComparedVariant plannable(std::int64_t zero, Bytes capacity) {
  JobSpec job;
  job.name = "small";
  job.model = test::llama_shaped(8, 1024, 4096, 16, 8, 32'000);
  job.cluster = test::round_cluster(1);
  job.cluster.accelerator.memory_capacity = capacity;
  job.parallelism.dp = 8;
  job.parallelism.zero = static_cast<int>(zero);
  job.training.sequence_length = 2048;
  job.training.micro_batch = 1;
  job.training.global_batch = 64;
  ComparedVariant compared;
  compared.variant.job = job;
  choose(compared, Axis::tp, std::int64_t{1});
  compared.estimate = estimate(job);
  return compared;
}

}  // namespace

TEST_CASE("the winner, its lead and where the runner-up loses") {
  const std::vector<std::string> told = compare_verdict(sample_comparison());
  REQUIRE(told.size() == 3);
  // 10 / 8 − 1
  CHECK(told[0] == "Best: tp 4, by 25.0% over tp 8.");
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

TEST_CASE("bands that overlap are a tie, and the lead is told") {
  // 8 ± 0.5 and 8.8 ± 0.55: 8.50 and 8.25.
  const auto told = compare_verdict(rank_variants({sample_variant(4, 8.0), sample_variant(8, 8.8)}));
  CHECK(told[0] ==
        "Tie: tp 4 leads tp 8 by 10.0%, but their error bands overlap (7.50 – 8.50 s and 8.25 – 9.35 s); "
        "calibrate to tell them apart.");
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
  CHECK(told[0] == "Fastest: 8 nodes, by 50.0% over 4 nodes.");
  // 12 / 8 on twice the devices. Shares: compute 5 of 12 and of 8 s, 41.7% and 62.5%; it grows most.
  CHECK(
      told.back() ==
      "8 nodes run 1.50× as fast as 4 nodes: 75.0% efficiency. What grows most is compute: from 41.7% of the "
      "step to 62.5%.");
}

TEST_CASE("what would make a variant fit has been planned") {
  // Weights 2, gradients 4, Adam and masters 12 bytes per parameter: with ZeRO 1 over 8 an eighth of the 12.
  const ComparedVariant before = plannable(0, gibibytes(80));
  const ComparedVariant after = plannable(1, gibibytes(80));
  const auto need = [](const ComparedVariant& compared) {
    return compared.estimate->memory.reserved + compared.estimate->memory.context;
  };
  REQUIRE(need(after) < need(before));
  const ComparedVariant tight = plannable(0, need(after));
  REQUIRE_FALSE(tight.fits());
  const auto told = compare_verdict(rank_variants({tight}));
  CHECK_THAT(told.back(), ContainsSubstring(" With zero 1 it would: "));
}
