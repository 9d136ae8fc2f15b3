#include "planner/report/memory_advice.hpp"

#include "tests/planner/report/sample_plan.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::report;

namespace {

constexpr Bytes gib(std::int64_t count) { return Bytes(count << 30); }

/// The sample on a device with `capacity` GiB; it needs 61: 20 weights, 8 gradients, 12 optimizer, 10.5
/// activations, 4.5 buffers, 3 fragmentation, 3 context.
PlannedJob sample_on(std::int64_t capacity) {
  PlannedJob planned = sample_plan();
  planned.estimate.memory.capacity = gib(capacity);
  planned.estimate.memory.fits = false;
  return planned;
}

}  // namespace

TEST_CASE("the cheapest remedy that is enough alone is advised") {
  // Missing 1 GiB: ZeRO 1 over dp·cp = 2 replicas frees half of 12 GiB.
  const MemoryAdvice advice = advise_memory(sample_on(60));
  REQUIRE(advice.remedies.size() == 1);
  CHECK(advice.remedies[0].key == "parallelism.zero");
  CHECK(advice.remedies[0].value == "1");
  CHECK(advice.remedies[0].saved == gib(6));
  CHECK(advice.still_missing == Bytes(0));
}

TEST_CASE("a dearer remedy is advised where the cheaper ones are not enough") {
  // Missing 15 GiB: ZeRO 1 frees 6; twice the stages free half of 20 + 8 + 12.
  const MemoryAdvice advice = advise_memory(sample_on(46));
  REQUIRE(advice.remedies.size() == 1);
  CHECK(advice.remedies[0].key == "parallelism.pp");
  CHECK(advice.remedies[0].value == "8");
  CHECK(advice.remedies[0].saved == gib(20));
}

TEST_CASE("a degree doubles as often as it must") {
  // Missing 27 GiB: ZeRO 1 over 8 replicas frees 10.5; 8 stages free half of 20 + 8 + 12 and 16 three
  // quarters.
  PlannedJob planned = sample_on(34);
  planned.job.parallelism.dp = 8;
  const MemoryAdvice advice = advise_memory(planned);
  REQUIRE(advice.remedies.size() == 1);
  CHECK(advice.remedies[0].key == "parallelism.pp");
  CHECK(advice.remedies[0].value == "16");
  CHECK(advice.remedies[0].saved == gib(30));
}

TEST_CASE("remedies are combined where none is enough alone") {
  // Missing 22 GiB: ZeRO 1 frees 6; then dp 2 may become twice the stages, which halves weights and
  // gradients, 14 more, but not the optimizer state, now spread over half the replicas; recomputation frees
  // 16/17 of 10.5.
  const MemoryAdvice advice = advise_memory(sample_on(39));
  REQUIRE(advice.remedies.size() == 3);
  CHECK(advice.remedies[0].key == "parallelism.zero");
  CHECK(advice.remedies[1].key == "parallelism.pp");
  CHECK(advice.remedies[1].saved == gib(14));
  CHECK(advice.remedies[2].key == "training.recompute");
  CHECK(advice.remedies[2].value == "full");
  CHECK(advice.still_missing == Bytes(0));
}

TEST_CASE("what stays missing is said") {
  // 61 − 1 = 60 missing, at most 6 + 14 + 16/17 · 10.5 GiB to be freed.
  const MemoryAdvice advice = advise_memory(sample_on(1));
  CHECK(advice.still_missing > gib(60 - 31));
  CHECK(advice.still_missing < gib(60 - 29));
}

TEST_CASE("what the job does already is not advised, nor what is illegal") {
  PlannedJob planned = sample_on(60);
  planned.job.parallelism.zero = 1;
  planned.job.parallelism.dp = 1;
  planned.job.training.recompute = Recompute::full;
  const MemoryAdvice advice = advise_memory(planned);
  CHECK(advice.remedies.empty());
}

TEST_CASE("ZeRO 3 takes the place of ZeRO 1 and of what that freed") {
  PlannedJob planned = sample_on(24);
  planned.job.parallelism = {};
  planned.job.parallelism.dp = 3;  // odd: neither pp nor tp can double
  planned.job.training.recompute = Recompute::full;
  // Missing 37 GiB; ZeRO 3 over 3 replicas frees two thirds of 40, whether or not ZeRO 1 came first.
  const MemoryAdvice advice = advise_memory(planned);
  REQUIRE(advice.remedies.size() == 1);
  CHECK(advice.remedies[0].key == "parallelism.zero");
  CHECK(advice.remedies[0].value == "3");
  CHECK(advice.remedies[0].saved.as_double() == Approx(40.0 * kGibi * 2.0 / 3.0));
}
