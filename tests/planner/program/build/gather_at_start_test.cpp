// Updated weights that are gathered beside the next step's first forward pass (training.overlap.gather).
#include <algorithm>
#include <string>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr std::int64_t kLayers = 4;

JobSpec gathering_job(bool at_start, int zero = 1) {
  JobSpec job = llama_job(llama_shaped(kLayers, 64, 256, 8, 8, 512),
                          {.sequence = 32, .micro_batch = 1, .global_batch = 16});
  job = sharded(job, {.dp = 8, .zero = zero});
  job.training.gradient_dtype = DType::fp32;
  job.training.overlap = {};
  job.training.overlap.dp = true;
  job.training.overlap.gather = at_start;
  return job;
}

bool gathers(const Block& block) {
  return std::any_of(block.ops.begin(), block.ops.end(),
                     [](const Op& op) { return op.name == "gather weights"; });
}

std::int64_t count_gathers(const StepProgram& program, const std::vector<BlockCall>& block_calls) {
  return std::count_if(block_calls.begin(), block_calls.end(),
                       [&](const BlockCall& call) { return gathers(program.block(call.block)); });
}

std::int64_t gathered_bytes(const StepProgram& program) {
  const std::vector<std::int64_t> calls = count_block_calls(program, StageId(0));
  std::int64_t bytes = 0;
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    for (const Op& op : program.blocks[b].ops) {
      const auto* collective = std::get_if<Collective>(&op.kind);
      if (collective != nullptr && collective->kind == CollectiveKind::all_gather)
        bytes += collective->payload.value() * calls[b];
    }
  }
  return bytes;
}

}  // namespace

TEST_CASE("weights are gathered at the start of the step, in the order in which forward needs them") {
  const StepProgram at_start = build_step_program(gathering_job(true));
  const StepProgram at_end = build_step_program(gathering_job(false));
  CHECK(check_program(at_start) == std::vector<std::string>{});
  CHECK(count_gathers(at_start, at_start.stages[0].epilogue) == 0);
  CHECK(count_gathers(at_end, at_end.stages[0].prologue) == 0);
  CHECK(count_gathers(at_start, at_start.stages[0].prologue) ==
        count_gathers(at_end, at_end.stages[0].epilogue));
  CHECK(gathered_bytes(at_start) == gathered_bytes(at_end));
  const auto& prologue = at_start.stages[0].prologue;
  const auto first = std::find_if(prologue.begin(), prologue.end(),
                                  [&](const BlockCall& call) { return gathers(at_start.block(call.block)); });
  CHECK_THAT(at_start.block(first->block).name, ContainsSubstring("embedding"));
  CHECK_THAT(at_start.block(prologue.back().block).name, ContainsSubstring("head"));
}

TEST_CASE("a gather at the start never makes a step slower, and needs no more memory") {
  for (const int zero : {1, 2}) {
    const Estimate at_start = estimate(gathering_job(true, zero));
    const Estimate at_end = estimate(gathering_job(false, zero));
    CHECK(at_start.step.time <= at_end.step.time * (1.0 + 1e-9));
    CHECK(at_start.memory.allocated == at_end.memory.allocated);
  }
}

TEST_CASE("copies in 8 bits are made layer by layer in the first micro-batch, once per step") {
  JobSpec job = gathering_job(true);
  job.training.precision = Precision::fp8;
  job.framework = Framework::megatron;
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program) == std::vector<std::string>{});
  const Chunk& chunk = program.stages[0].chunks[0];
  // One call more for each layer.
  REQUIRE(chunk.first_forward.size() == chunk.forward.size() + kLayers);
  job.training.overlap.gather = false;
  const StepProgram at_end = build_step_program(job);
  CHECK(at_end.stages[0].chunks[0].first_forward.empty());
  const auto casts = [](const StepProgram& of) {
    const std::vector<std::int64_t> calls = count_block_calls(of, StageId(0));
    std::int64_t sum = 0;
    for (std::size_t b = 0; b < of.blocks.size(); ++b)
      if (of.blocks[b].name.ends_with(" quantise")) sum += calls[b];
    return sum;
  };
  CHECK(casts(program) == kLayers);
  CHECK(casts(at_end) == kLayers);
}

TEST_CASE("without ZeRO, or with gathers in every pass, there is nothing to gather at the start") {
  for (const int zero : {0, 3}) {
    const StepProgram program = build_step_program(gathering_job(true, zero));
    CHECK(count_gathers(program, program.stages[0].prologue) == 0);
    const std::vector<std::string> notes = estimate(gathering_job(true, zero)).notes;
    CHECK(std::count(notes.begin(), notes.end(),
                     "overlap.gather true has no effect: zero is " + std::to_string(zero)) == 1);
  }
}
