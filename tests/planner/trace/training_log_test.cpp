#include "planner/trace/training_log.hpp"

#include <sstream>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

std::vector<LoggedStep> read(const std::string& text) {
  std::istringstream in(text);
  return read_training_log(in);
}

}  // namespace

TEST_CASE("Megatron-LM's lines have the elapsed time") {
  const auto steps = read(
      "> building train, validation, and test datasets ...\n"
      " [2026-08-01 10:00:00] iteration       10/     100 | consumed samples:         5120 | elapsed time "
      "per iteration "
      "(ms): 12345.6 | throughput per GPU (TFLOP/s/GPU): 412.0 | learning rate: 1.0E-05 | global batch size: "
      "  512 |\n"
      " iteration       11/     100 | elapsed time per iteration (ms): 12000.0 |\n");
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].step == 10);
  CHECK(steps[0].time->value() == Approx(12.3456));
  CHECK(steps[1].time->value() == Approx(12.0));
}

TEST_CASE("torchtitan's lines have tokens per second of a device, and memory; colours are left out") {
  const auto steps = read(
      "[rank0]:\x1b[31mstep: 20  \x1b[32mloss:  7.1234  \x1b[33mmemory: 40.50GiB(51.1%)  \x1b[34mtps: 7,168  "
      "\x1b[36mtflops: 415.2  \x1b[35mmfu: 42.0%\x1b[39m\n"
      "step: 30 loss: 6.0\n");
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].step == 20);
  CHECK(steps[0].tokens_per_s == 7168.0);
  CHECK(steps[0].memory->as_double() == Approx(40.5 * 1024 * 1024 * 1024));
  // 14,336 tokens of a device at 7,168 per second: 2 s.
  CHECK(logged_times(steps, 14336.0)->median.value() == Approx(2.0));
}

TEST_CASE("median, quartiles, outliers and drift by hand") {
  // Times 1.0, 1.1, …, 1.8 and 5.0 s: sorted, the quartiles of ten lie at 2.25 and 6.75 of 0 … 9: 1.225 and 1.675; the
  // median is 1.45. Beyond 1.5·0.45 = 0.675: only 5.0. First third 1.0 1.1 1.2, last third 1.7 1.8 5.0: 1.8/1.1.
  std::string text;
  for (int i = 0; i < 9; ++i)
    text += " iteration " + std::to_string(i + 1) +
            "/ 10 | elapsed time per iteration (ms): " + std::to_string(1000 + 100 * i) + " |\n";
  text += " iteration 10/ 10 | elapsed time per iteration (ms): 5000 |\n";
  const auto times = logged_times(read(text), 1.0);
  REQUIRE(times);
  CHECK(times->steps == 10);
  CHECK(times->median.value() == Approx(1.45));
  CHECK(times->lower_quartile.value() == Approx(1.225));
  CHECK(times->upper_quartile.value() == Approx(1.675));
  CHECK(times->outliers == 1);
  CHECK(times->drift == Approx(1.8 / 1.1 - 1.0));
}

TEST_CASE("a log without times has none") {
  CHECK(read("hello\nstep 3\n").empty());
  CHECK_FALSE(logged_times({}, 1.0));
}
