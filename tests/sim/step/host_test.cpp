#include <sstream>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "sim/trace/chrome_trace.hpp"
#include "tests/sim/step/hand_program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

// The host submits kernels one after the other, so small kernels wait for it.

using namespace foreshard;
using namespace foreshard::hand;

namespace {

constexpr auto kTp = static_cast<std::size_t>(CommAxis::tp);

SimulationOptions submitting(std::int64_t ns) { return {.host_submit = nanoseconds(ns)}; }

std::vector<TimedOp> kernels(int count, std::int64_t ns) {
  return {static_cast<std::size_t>(count), kernel("kernel", ns, {})};
}

/// Three block calls of four equal kernels each.
HandProgram row_of_block_calls(std::int64_t ns) {
  HandProgram hand;
  const BlockId layer = hand.block("layer", kernels(4, ns));
  for (const int l : {0, 1, 2}) hand.run_once(0, layer, l);
  return hand;
}

std::string trace_of(const HandProgram& hand, const SimulationOptions& options) {
  std::ostringstream out;
  ChromeTrace trace(out, hand.program);
  simulate(hand, trace, options);
  trace.finish();
  return out.str();
}

/// A cluster of one H100, in round figures.
ClusterSpec one_h100() {
  ClusterSpec cluster = test::round_cluster(1, 1);
  AcceleratorSpec& h100 = cluster.accelerator;
  h100.memory_bandwidth = BytesPerSecond(3.35e12);
  h100.gemm[static_cast<std::size_t>(DType::bf16)] =
      GemmRate{.peak = FlopsPerSecond(989.5e12), .efficiency = 0.7};
  KernelConstants& kernels = h100.kernels;
  kernels.gemm_fixed = Seconds(5e-6);
  kernels.gemm_k_prologue = 128;
  kernels.memory_efficiency = 0.8;
  kernels.memory_half_size = Bytes(4'000'000);
  kernels.launch = Seconds(2.5e-6);
  kernels.submit = Seconds(5e-6);
  kernels.communication_share = 0.121;
  kernels.attention[static_cast<std::size_t>(FlashVersion::fa3)] =
      FlashAttention{.forward = {.efficiency = 0.6}, .backward = {.efficiency = 0.5}};
  h100.usual_flash = FlashVersion::fa3;
  return cluster;
}

JobSpec job_of(ModelSpec model, std::int64_t sequence_length) {
  JobSpec job;
  job.model = std::move(model);
  job.cluster = one_h100();
  job.training.sequence_length = sequence_length;
  job.training.micro_batch = 1;
  job.training.global_batch = 2;
  return job;
}

SimulationResult simulate_job(const JobSpec& job, Seconds submit) {
  NoTimeline nothing;
  return simulate_step(build_step_program(job), CostModel(job), nothing,
                       SimulationOptions{.host_submit = submit});
}

}  // namespace

TEST_CASE("small kernels wait for the host") {
  // Kernels take 1 µs and are submitted in 5 µs: the host has submitted the block calls at 20, 40 and 60. The
  // kernels run [0,3) [20,24) [40,44) [60,61): the last kernel of a block call starts when the host has
  // submitted the call, and the first three of the next call follow it.
  const HandProgram hand = row_of_block_calls(1000);
  const SimulationResult result = simulate(hand, submitting(5000));
  CHECK(in_ns(result.step_time) == 61'000);
  CHECK(in_ns(result.ranks[0].compute) == 12'000);
  CHECK(in_ns(result.ranks[0].host) == 17'000 + 16'000 + 16'000);
  CHECK(in_ns(result.ranks[0].bubble) == 0);
  // The critical path is the host's 60 µs and the last kernel.
  CHECK(in_ns(result.path.host) == 60'000);
  CHECK(in_ns(result.path.compute) == 1000);
  CHECK(result.path.communication == SimTime());
  CHECK(result.path.waiting == SimTime());
  REQUIRE(result.path.entries.size() == 2);
  CHECK(result.path.entries[0].kind == "submit");
  CHECK(result.path.entries[0].operations == 3);
  CHECK(in_ns(result.path.entries[0].time) == 60'000);
}

TEST_CASE("large kernels do not see the host") {
  // Kernels take 10 µs: the block calls' last kernels start at 30, 70 and 110, long after 20, 40 and 60.
  const HandProgram hand = row_of_block_calls(10'000);
  const SimulationResult result = simulate(hand, submitting(5000));
  CHECK(in_ns(result.step_time) == 120'000);
  CHECK(in_ns(result.ranks[0].host) == 0);
  CHECK(trace_of(hand, submitting(5000)) == trace_of(hand, {}));
}

TEST_CASE("without host time the engine runs the program's operations and nothing else") {
  const HandProgram hand = row_of_block_calls(1000);
  const SimulationResult result = simulate(hand);
  CHECK(result.tasks == 12);
  CHECK(in_ns(result.step_time) == 12'000);
  CHECK(result.ranks[0].host == SimTime());
}

TEST_CASE("the host works ahead of the kernels, as far as it may") {
  // Two kernels of 50 µs, then ten of 1 µs. The host needs 10 µs and 50 µs.
  HandProgram hand;
  hand.run_once(0, hand.block("large", kernels(2, 50'000)));
  hand.run_once(0, hand.block("small", kernels(10, 1000)));
  SimulationOptions options = submitting(5000);
  // The host has submitted both block calls at 60, while the large kernels run.
  CHECK(in_ns(simulate(hand, options).step_time) == 110'000);
  // One call ahead: it begins the second at 100, and the last kernel starts at 150, 41 µs after the ninth
  // ends.
  options.blocks_ahead = 1;
  const SimulationResult result = simulate(hand, options);
  CHECK(in_ns(result.step_time) == 151'000);
  CHECK(in_ns(result.ranks[0].host) == 41'000);
}

TEST_CASE("a kernel that waits for a communication waits for the host only beyond it") {
  // The product could start at 30, after the gather; it is submitted at 40 or at 20.
  HandProgram hand;
  const TensorId x = hand.tensor("x", Lifetime::step);
  hand.run_once(0, hand.block("block", {collective("gather", GroupKind::tp, Lane::tp, 30'000, {write(x)}),
                                        kernel("product", 1000, {read(x)})}));
  const SimulationResult late = simulate(hand, submitting(40'000));
  CHECK(in_ns(late.step_time) == 41'000);
  CHECK(in_ns(late.ranks[0].exposed[kTp]) == 30'000);
  CHECK(in_ns(late.ranks[0].host) == 10'000);
  const SimulationResult early = simulate(hand, submitting(20'000));
  CHECK(in_ns(early.step_time) == 31'000);
  CHECK(in_ns(early.ranks[0].host) == 0);
}

TEST_CASE("waiting for another stage's host is bubble") {
  // Stage 0: kernels [0,1) and [10,11), sent in 2 µs. Stage 1, submitted at 5: [13,14).
  HandProgram hand(2);
  const TensorId x = hand.tensor("x", Lifetime::step);
  hand.run_once(0, hand.block("first", {kernel("other", 1000, {}), kernel("x", 1000, {write(x)}),
                                        send(Peer::next_stage, 2000, {read(x)})}));
  hand.run_once(
      1, hand.block("second", {receive(Peer::previous_stage, {write(x)}), kernel("last", 1000, {read(x)})}));
  const SimulationResult result = simulate(hand, submitting(5000));
  const auto pp = static_cast<std::size_t>(CommAxis::pp);
  CHECK(in_ns(result.step_time) == 14'000);
  CHECK(in_ns(result.ranks[0].host) == 9000);
  CHECK(in_ns(result.ranks[1].host) == 0);
  CHECK(in_ns(result.ranks[1].bubble) == 11'000);
  CHECK(in_ns(result.ranks[1].exposed[pp]) == 2000);
}

TEST_CASE("host time out of range is refused") {
  const HandProgram hand = row_of_block_calls(1000);
  CHECK_THROWS_AS(simulate(hand, {.host_submit = Seconds(-1e-6)}), std::invalid_argument);
  CHECK_THROWS_AS(simulate(hand, {.host_submit = Seconds(1.1)}), std::invalid_argument);
}

TEST_CASE("the estimate and the simulation agree on what the host costs") {
  SECTION("a small model, uncompiled, for which the host sets the pace") {
    JobSpec job = job_of(test::llama_shaped(12, 512, 1536, 8, 8, 1024), 256);
    job.training.compiled = false;
    const StepFigures sums = estimate(job).step;
    const SimulationResult result = simulate_job(job, CostModel(job).interference().submit);
    CHECK(sums.breakdown.overhead > 0.2 * sums.time);
    CHECK(result.step_time.seconds().value() == Approx(sums.time.value()).epsilon(0.01));
    CHECK(result.ranks[0].host.seconds().value() == Approx(sums.breakdown.overhead.value()).epsilon(0.03));
  }
  SECTION("a large one, which hides it") {
    const JobSpec job = job_of(test::llama_shaped(8, 4096, 14'336, 32, 8, 128'256), 4096);
    const StepFigures sums = estimate(job).step;
    const SimulationResult result = simulate_job(job, CostModel(job).interference().submit);
    CHECK(result.step_time.seconds().value() == Approx(sums.time.value()).epsilon(0.01));
    CHECK(result.ranks[0].host.seconds() < 1e-4 * sums.time);
  }
}
