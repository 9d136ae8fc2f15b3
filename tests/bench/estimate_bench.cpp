// How long planning takes: medians and spread over repetitions. Not a test; timings decide nothing.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/block_cost.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/cost/step/stage_play.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

namespace {

JobSpec llama_70b_on_64() {
  JobSpec job;
  job.name = "Llama 3 70B, 64 devices";
  job.model = test::llama_shaped(80, 8192, 28672, 64, 8, 128256);
  job.cluster = test::round_cluster(8);
  job.parallelism = {.tp = 8, .pp = 4, .dp = 2, .sequence_parallel = true, .zero = 1, .stage_layers = {}};
  job.training.sequence_length = 8192;
  job.training.micro_batch = 1;
  job.training.global_batch = 128;
  return job;
}

JobSpec llama_405b_on_16384() {
  JobSpec job = llama_70b_on_64();
  job.name = "Llama 3.1 405B, 16384 devices";
  job.model = test::llama_shaped(126, 16384, 53248, 128, 8, 128256);
  job.cluster = test::round_cluster(2048);
  job.parallelism.pp = 16;
  job.parallelism.dp = 128;
  job.training.global_batch = 2048;
  return job;
}

/// Microseconds of one call: median, and where half of the repetitions lie.
template <class Work>
void measure(const char* what, Work work) {
  using Clock = std::chrono::steady_clock;
  constexpr int kRepetitions = 201;
  std::vector<double> micros;
  for (int i = 0; i < kRepetitions; ++i) {
    const auto begin = Clock::now();
    work();
    micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  std::sort(micros.begin(), micros.end());
  const double median = micros[micros.size() / 2];
  std::printf("  %-34s %9.1f us  (quartiles %.1f to %.1f)  %8.0f per second\n", what, median,
              micros[micros.size() / 4], micros[micros.size() * 3 / 4], 1e6 / median);
}

void measure_job(const JobSpec& job) {
  std::printf("%s\n", job.name.c_str());
  const StepProgram program = build_step_program(job);
  const CostModel cost(job);
  const OpTimes times = price_operations(program, cost);
  double kept = 0.0;  // results that are used cannot be left out by the compiler
  measure("program and estimate", [&] { kept += estimate(job).step.time.value(); });
  measure("program", [&] { kept += static_cast<double>(build_step_program(job).blocks.size()); });
  measure("estimate of a program", [&] { kept += estimate(job, program).step.time.value(); });
  measure("price all operations", [&] { kept += price_operations(program, cost)[0][0].time.value(); });
  measure("price all blocks from operations", [&] { kept += price_blocks(program, times)[0].gemms.value(); });
  const LanePlan plan = plan_lanes(program, times);
  measure("play the stages",
          [&] { kept += play_stages(program, plan, cost.interference())[0].epilogue.total().value(); });
  std::printf("  (sum of results %.3g)\n", kept);
}

}  // namespace

int main() {
  measure_job(llama_70b_on_64());
  measure_job(llama_405b_on_16384());
}
