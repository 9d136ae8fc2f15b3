#include <sstream>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "sim/trace/chrome_trace.hpp"
#include "tests/sim/step/hand_program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

// The host issues operations one after the other, so small kernels wait for it. A block's first kernel, the last
// one of each row of kernels, and every communication start when the host has issued them.

using namespace foreshard;
using namespace foreshard::hand;

namespace {

constexpr auto kTp = static_cast<std::size_t>(CommAxis::tp);

/// The same program with a host that issues each kernel in this time, and communication in none.
HandProgram issuing(HandProgram hand, std::int64_t ns) {
  for (std::size_t b = 0; b < hand.times.size(); ++b) {
    const std::vector<Op>& ops = hand.program.blocks[b].ops;
    for (std::size_t o = 0; o < ops.size(); ++o)
      if (!is_communication(ops[o])) hand.times[b][o].host = nanoseconds(ns);
  }
  return hand;
}

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

SimulationResult simulate_job(const JobSpec& job) {
  const CostModel cost(job);
  NoTimeline nothing;
  return simulate_step(build_step_program(job), cost, nothing,
                       SimulationOptions{.read_back = cost.interference().read_back});
}

}  // namespace

TEST_CASE("small kernels wait for the host") {
  // Kernels take 1 µs and are issued in 5 µs. The host has issued the first kernels of the block calls at 5, 25
  // and 45 and the last ones at 20, 40 and 60. The kernels run [5,8) [20,21) [25,28) [40,41) [45,48) [60,61).
  const HandProgram hand = issuing(row_of_block_calls(1000), 5000);
  const SimulationResult result = simulate(hand);
  CHECK(in_ns(result.step_time) == 61'000);
  CHECK(in_ns(result.ranks[0].compute) == 12'000);
  CHECK(in_ns(result.ranks[0].host) == 61'000 - 12'000);
  CHECK(in_ns(result.ranks[0].bubble) == 0);
  // The critical path is the host's 60 µs and the last kernel.
  CHECK(in_ns(result.path.host) == 60'000);
  CHECK(in_ns(result.path.compute) == 1000);
  CHECK(result.path.communication == SimTime());
  CHECK(result.path.waiting == SimTime());
  REQUIRE(result.path.entries.size() == 2);
  CHECK(result.path.entries[0].kind == "submit");
  CHECK(result.path.entries[0].operations == 6);
  CHECK(in_ns(result.path.entries[0].time) == 60'000);
}

TEST_CASE("large kernels wait only for the first launch") {
  // Kernels take 10 µs: from 5 on they follow each other; the host has issued the last one at 60.
  const SimulationResult result = simulate(issuing(row_of_block_calls(10'000), 5000));
  CHECK(in_ns(result.step_time) == 125'000);
  CHECK(in_ns(result.ranks[0].host) == 5000);
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
  hand = issuing(std::move(hand), 5000);
  // The host has issued both block calls at 60, while the large kernels run from 5 to 105.
  CHECK(in_ns(simulate(hand).step_time) == 115'000);
  // One call ahead: it begins the second at 105. Nine kernels run [110,119), the last one at 155.
  const SimulationResult result = simulate(hand, {.blocks_ahead = 1});
  CHECK(in_ns(result.step_time) == 156'000);
  CHECK(in_ns(result.ranks[0].host) == 5000 + 5000 + 36'000);
}

TEST_CASE("a kernel that waits for a communication waits for the host only beyond it") {
  // The product could start at 30, after the gather; it is issued at 40 or at 20.
  HandProgram hand;
  const TensorId x = hand.tensor("x", Lifetime::step);
  hand.run_once(0, hand.block("block", {collective("gather", GroupKind::tp, Lane::tp, 30'000, {write(x)}),
                                        kernel("product", 1000, {read(x)})}));
  const SimulationResult late = simulate(issuing(hand, 40'000));
  CHECK(in_ns(late.step_time) == 41'000);
  CHECK(in_ns(late.ranks[0].exposed[kTp]) == 30'000);
  CHECK(in_ns(late.ranks[0].host) == 10'000);
  const SimulationResult early = simulate(issuing(hand, 20'000));
  CHECK(in_ns(early.step_time) == 31'000);
  CHECK(in_ns(early.ranks[0].host) == 0);
}

TEST_CASE("waiting for another stage's host is bubble") {
  // Stage 0: kernels [5,6) and [10,11), sent in 2 µs. Stage 1, issued at 5: [13,14).
  HandProgram hand(2);
  const TensorId x = hand.tensor("x", Lifetime::step);
  hand.run_once(0, hand.block("first", {kernel("other", 1000, {}), kernel("x", 1000, {write(x)}),
                                        send(Peer::next_stage, 2000, {read(x)})}));
  hand.run_once(
      1, hand.block("second", {receive(Peer::previous_stage, {write(x)}), kernel("last", 1000, {read(x)})}));
  const SimulationResult result = simulate(issuing(hand, 5000));
  const auto pp = static_cast<std::size_t>(CommAxis::pp);
  CHECK(in_ns(result.step_time) == 14'000);
  CHECK(in_ns(result.ranks[0].host) == 9000);
  CHECK(in_ns(result.ranks[1].host) == 0);
  CHECK(in_ns(result.ranks[1].bubble) == 11'000);
  CHECK(in_ns(result.ranks[1].exposed[pp]) == 2000);
}

TEST_CASE("a communication waits until the host has issued it") {
  // A kernel [5,6), an all-reduce of its result issued at 25: [25,35), a kernel of that, issued at 30: [35,36).
  HandProgram hand;
  const TensorId x = hand.tensor("x", Lifetime::step);
  hand.run_once(0, hand.block("block", {kernel("x", 1000, {write(x)}),
                                        collective("reduce", GroupKind::tp, Lane::tp, 10'000, {add_to(x)}),
                                        kernel("reads x", 1000, {read(x)})}));
  hand = issuing(std::move(hand), 5000);
  hand.times[0][1].host = nanoseconds(20'000);
  const SimulationResult result = simulate(hand);
  CHECK(in_ns(result.step_time) == 36'000);
  CHECK(in_ns(result.ranks[0].host) == 5000 + 19'000);
  CHECK(in_ns(result.ranks[0].exposed[kTp]) == 10'000);
}

TEST_CASE("the host waits for what it must know") {
  // The kernel that the host waits for runs [2,12), the one issued meanwhile [12,16). The host goes on at 15 and
  // issues the last kernel at 17.
  HandProgram hand;
  const TensorId x = hand.tensor("x", Lifetime::step);
  hand.run_once(0, hand.block("block", {kernel("x", 10'000, {write(x)}), kernel("meanwhile", 4000, {read(x)}),
                                        kernel("last", 1000, {read(x)})}));
  hand.program.blocks[0].ops[1].host_awaits = x;
  const SimulationResult result = simulate(issuing(hand, 2000), {.read_back = nanoseconds(3000)});
  CHECK(in_ns(result.step_time) == 18'000);
  CHECK(in_ns(result.ranks[0].host) == 2000 + 1000);
}

TEST_CASE("a time from device to host out of range is refused") {
  const HandProgram hand = row_of_block_calls(1000);
  CHECK_THROWS_AS(simulate(hand, {.read_back = Seconds(-1e-6)}), std::invalid_argument);
  CHECK_THROWS_AS(simulate(hand, {.read_back = Seconds(1.1)}), std::invalid_argument);
}

TEST_CASE("the estimate and the simulation agree on what the host costs") {
  SECTION("a small model, uncompiled, for which the host sets the pace") {
    JobSpec job = job_of(test::llama_shaped(12, 512, 1536, 8, 8, 1024), 256);
    job.framework = Framework::torch_fsdp;
    job.training.compiled = false;
    const StepFigures sums = estimate(job).step;
    const SimulationResult result = simulate_job(job);
    CHECK(sums.breakdown.host > 0.2 * sums.time);
    CHECK(sums.breakdown.overhead == sums.breakdown.host);
    CHECK(result.step_time.seconds().value() == Approx(sums.time.value()).epsilon(0.01));
    CHECK(result.ranks[0].host.seconds().value() == Approx(sums.breakdown.host.value()).epsilon(0.03));
  }
  SECTION("a large one, which hides it") {
    const JobSpec job = job_of(test::llama_shaped(8, 4096, 14'336, 32, 8, 128'256), 4096);
    const StepFigures sums = estimate(job).step;
    const SimulationResult result = simulate_job(job);
    CHECK(result.step_time.seconds().value() == Approx(sums.time.value()).epsilon(0.01));
    CHECK(result.ranks[0].host.seconds() < 1e-3 * sums.time);
  }
}
