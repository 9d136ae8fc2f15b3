#include "planner/search/capacity.hpp"

#include <cmath>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

bool fits(const JobSpec& job) {
  return find_illegalities(job).empty() && memory_report(job, build_step_program(job)).fits;
}

bool fits_with_micro_batch(JobSpec job, std::int64_t micro_batch) {
  job.training.global_batch = job.parallelism.dp * job.micro_batches() * micro_batch;
  job.training.micro_batch = micro_batch;
  return fits(job);
}

bool fits_with_sequence(JobSpec job, std::int64_t tokens) {
  job.training.sequence_length = tokens;
  return fits(job);
}

/// A job of eight devices of `gibibytes` each.
JobSpec small_job(std::int64_t gibibytes, std::int64_t tp, std::int64_t pp) {
  JobSpec job;
  job.model = llama_shaped(8, 1024, 4096, 16, 8, 32'000);
  job.cluster = round_cluster(1);
  job.cluster.accelerator.memory_capacity = Bytes(gibibytes << 30);
  job.parallelism.tp = tp;
  job.parallelism.pp = pp;
  job.parallelism.dp = 8 / (tp * pp);
  job.parallelism.sequence_parallel = tp > 1;
  job.training.sequence_length = 2048;
  job.training.micro_batch = 1;
  job.training.global_batch = 64;
  return job;
}

struct Counted {
  detail::Headroom headroom;
  int calls = 0;
  std::int64_t largest(std::int64_t most) {
    return detail::largest_fitting(
        [this](std::int64_t size) {
          ++calls;
          return headroom(size);
        },
        most);
  }
};

}  // namespace

TEST_CASE("the search finds the last size with room, whatever the curve") {
  SECTION("a line: 100 − 7·size, zero beyond 14") {
    Counted line{[](std::int64_t size) { return 100.0 - 7.0 * static_cast<double>(size); }};
    CHECK(line.largest(1'000'000) == 14);
    // Probes: two points, the end of the line through them, and its neighbour, which proves the result.
    CHECK(line.calls == 4);
  }
  SECTION("exactly no room left still fits") {
    Counted line{[](std::int64_t size) { return 70.0 - 7.0 * static_cast<double>(size); }};
    CHECK(line.largest(1'000) == 10);
  }
  SECTION("a square: 10^6 − size²") {
    Counted square{[](std::int64_t size) { return 1e6 - static_cast<double>(size * size); }};
    CHECK(square.largest(1'000'000) == 1000);
  }
  SECTION("a staircase that misleads every line") {
    Counted stairs{[](std::int64_t size) { return size <= 777 ? 1e9 - static_cast<double>(size) : -1.0; }};
    CHECK(stairs.largest(1'000'000) == 777);
    // Halving a million takes 20 probes; guesses and the first two come before.
    CHECK(stairs.calls <= 30);
  }
  SECTION("flat, then no such size") {
    Counted wall{[](std::int64_t size) { return size <= 512 ? std::optional(1.0) : std::nullopt; }};
    CHECK(wall.largest(1'000'000) == 512);
  }
  SECTION("everything fits, up to the bound") {
    Counted all{[](std::int64_t) { return 1.0; }};
    CHECK(all.largest(4096) == 4096);
  }
  SECTION("nothing fits, and nothing is asked for") {
    Counted none{[](std::int64_t) { return -1.0; }};
    CHECK(none.largest(4096) == 0);
    CHECK(none.calls == 1);
    CHECK(none.largest(0) == 0);
    CHECK(none.calls == 1);
  }
}

TEST_CASE("one more sequence in the largest micro-batch would not fit") {
  const auto tp = GENERATE(std::int64_t{1}, std::int64_t{2}, std::int64_t{4});
  const auto pp = GENERATE(std::int64_t{1}, std::int64_t{2});
  const auto schedule = GENERATE(ScheduleKind::gpipe, ScheduleKind::one_f_one_b);
  INFO("tp " << tp << " pp " << pp << " schedule " << static_cast<int>(schedule));
  JobSpec job = small_job(32, tp, pp);
  job.training.schedule = schedule;
  const auto largest = largest_micro_batch(job);
  REQUIRE(largest);
  CHECK(fits_with_micro_batch(job, *largest));
  CHECK_FALSE(fits_with_micro_batch(job, *largest + 1));
}

TEST_CASE("one more step of the longest sequence would not fit") {
  const auto tp = GENERATE(std::int64_t{1}, std::int64_t{4});
  const auto attention = GENERATE(AttentionKind::flash, AttentionKind::unfused);
  INFO("tp " << tp << " attention " << static_cast<int>(attention));
  JobSpec job = small_job(32, tp, 1);
  job.training.attention = attention;
  const auto longest = longest_sequence(job);
  REQUIRE(longest);
  CHECK(*longest % 1024 == 0);
  CHECK(fits_with_sequence(job, *longest));
  CHECK_FALSE(fits_with_sequence(job, *longest + 1024));
}

TEST_CASE("learned positions bound the sequence, below a step too") {
  JobSpec job = small_job(80, 2, 1);
  job.model = gpt_shaped(4, 256, 8, 1000);
  job.training.sequence_length = 128;
  job.model.max_positions = 3000;
  CHECK(longest_sequence(job) == 2048);
  // No multiple of 1,024: then of tp 2 alone.
  job.model.max_positions = 515;
  CHECK(longest_sequence(job) == 514);
}

TEST_CASE("where weights alone are too much nothing fits") {
  const JobSpec job = small_job(1, 1, 1);
  CHECK_FALSE(largest_micro_batch(job));
  CHECK_FALSE(longest_sequence(job));
}
