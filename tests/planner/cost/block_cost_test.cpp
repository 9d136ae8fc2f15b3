// What a block adds to a row of blocks, with durations chosen so that the answer can be read off: all
// operations take no time but those named.
#include "planner/cost/step/block_cost.hpp"

#include <map>
#include <string>

#include "planner/program/emit/emit.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

using Durations = std::map<std::string, double>;  // seconds, by name of the operation or "name (phase)"

OpTimes times_of(const StepProgram& program, const Durations& durations) {
  OpTimes times;
  for (const Block& block : program.blocks) {
    auto& ops = times.emplace_back();
    for (const Op& op : block.ops) {
      auto found = durations.find(op.name + " (" + std::string(to_string(op.phase)) + ")");
      if (found == durations.end()) found = durations.find(op.name);
      ops.push_back({.time = Seconds(found == durations.end() ? 0.0 : found->second)});
    }
  }
  return times;
}

BlockCost cost_of(const JobSpec& job, const std::string& block, const Durations& durations) {
  const StepProgram program = build_step_program(job);
  return price_blocks(program, times_of(program, durations))[block_index(program, block)];
}

double exposed(const BlockCost& cost, CommAxis axis) {
  return cost.exposed[static_cast<std::size_t>(axis)].value();
}

JobSpec llama() {
  return llama_job(llama_shaped(4, 64, 128, 8, 8, 512),
                   {.sequence = 32, .micro_batch = 1, .global_batch = 8});
}

}  // namespace

TEST_CASE("block cost: without overlap, every bucket of a synchronisation holds compute") {
  // Five tensors of a layer in a bucket of 25 MiB: the norm, then each large matrix alone.
  JobSpec job = sharded(llama_job(llama_shaped(4, 2048, 4096, 16, 16, 512),
                                  {.sequence = 32, .micro_batch = 1, .global_batch = 4}),
                        {.dp = 4});
  job.training.overlap.dp = false;
  const BlockCost cost = cost_of(job, "dense_layer x 1 sync", {{"reduce gradients", 3.0}});
  CHECK(cost.time.value() == 15.0);
  CHECK(exposed(cost, CommAxis::dp) == 15.0);
  job.training.overlap.dp = true;
  CHECK(cost_of(job, "dense_layer x 1 sync", {{"reduce gradients", 3.0}}).time.value() == 0.0);
}

TEST_CASE("block cost: what the next block reads is waited for") {
  const JobSpec job = sharded(llama(), {.tp = 2});
  const BlockCost embedding =
      cost_of(job, "embedding forward", {{"embedding", 1.0}, {"all-reduce embedding", 3.0}});
  CHECK(embedding.time.value() == 4.0);
  CHECK(embedding.compute.value() == 1.0);
  CHECK(exposed(embedding, CommAxis::tp) == 3.0);

  JobSpec scattered = sharded(llama(), {.tp = 2, .pp = 2});
  scattered.framework = Framework::megatron;
  CHECK(exposed(cost_of(scattered, "receive forward", {{"gather slices", 2.0}}), CommAxis::tp) == 2.0);

  const JobSpec cut = sharded(llama(), {.tp = 2, .sequence_parallel = true});
  CHECK(exposed(cost_of(cut, "dense_layer partial sync", {{"all-reduce partial gradients", 2.0}}),
                CommAxis::tp) == 2.0);

  JobSpec tied = sharded(llama(), {.pp = 2});
  tied.model.tied_embeddings = true;
  CHECK(exposed(cost_of(tied, "tied sync", {{"all-reduce tied table", 2.0}}), CommAxis::pp) == 2.0);
}

TEST_CASE("block cost: backward's all-reduce hides behind the weight gradient, or holds it") {
  JobSpec job = sharded(llama(), {.tp = 2});
  const Durations durations{{"all-reduce d.ffn_norm.out", 3.0},
                            {"all-reduce d.attn_norm.out", 3.0},
                            {"gate_up (backward_weight)", 2.0},
                            {"qkv (backward_weight)", 2.0}};
  job.training.overlap.tp = TpOverlap::none;
  const BlockCost held = cost_of(job, "dense_layer backward", durations);
  CHECK(held.time.value() == 10.0);
  CHECK(exposed(held, CommAxis::tp) == 6.0);
  job.training.overlap.tp = TpOverlap::wgrad;
  const BlockCost hidden = cost_of(job, "dense_layer backward", durations);
  CHECK(hidden.time.value() == 6.0);
  CHECK(hidden.compute.value() == 4.0);
  CHECK(exposed(hidden, CommAxis::tp) == 2.0);
}

TEST_CASE("block cost: a layer's weights are gathered behind the layer before") {
  JobSpec job = sharded(llama(), {.dp = 4, .zero = 3});
  job.training.overlap.dp = true;
  const BlockCost hidden = cost_of(job, "dense_layer forward", {{"gather weights", 1.0}, {"down", 2.0}});
  CHECK(hidden.time.value() == 2.0);
  CHECK(exposed(hidden, CommAxis::dp) == 0.0);
  const BlockCost paced = cost_of(job, "dense_layer forward", {{"gather weights", 3.0}, {"down", 2.0}});
  CHECK(paced.time.value() == 3.0);
  CHECK(exposed(paced, CommAxis::dp) == 1.0);
  job.training.overlap.dp = false;
  const BlockCost held = cost_of(job, "dense_layer forward", {{"gather weights", 3.0}, {"down", 2.0}});
  CHECK(held.time.value() == 5.0);
  CHECK(exposed(held, CommAxis::dp) == 3.0);
}

TEST_CASE("block cost: a transfer that does not overlap holds its sender") {
  JobSpec job = sharded(llama(), {.pp = 2});
  job.training.overlap.pp = false;
  CHECK(exposed(cost_of(job, "send forward", {{"send forward", 2.0}}), CommAxis::pp) == 2.0);
  job.training.overlap.pp = true;
  CHECK(cost_of(job, "send forward", {{"send forward", 2.0}}).time.value() == 0.0);
}
