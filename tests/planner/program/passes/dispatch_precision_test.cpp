#include "planner/program/passes/dispatch_precision.hpp"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

namespace {

constexpr std::int64_t kHidden = 128;

/// One layer of 8 experts, 2 per token, on 8 ranks; 128 tokens of 128 elements each.
JobSpec spread(Dispatcher dispatcher) {
  JobSpec job;
  job.model = test::llama_shaped(1, kHidden, 4 * kHidden, 8, 8, 256);
  job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 32};
  job.cluster = test::round_cluster(1);
  job.parallelism.dp = job.parallelism.ep = 8;
  job.training.sequence_length = 128;
  job.training.global_batch = 8;
  job.training.micro_batch = 1;
  job.training.dispatcher = dispatcher;
  job.training.dispatch_precision = DispatchPrecision::fp8;
  return job;
}

const Block& moe_block(const StepProgram& program, bool backward) {
  return *std::find_if(program.blocks.begin(), program.blocks.end(), [&](const Block& block) {
    const auto is_permute = [&](const Op& op) {
      return std::holds_alternative<Permute>(op.kind) && is_backward(op.phase) == backward;
    };
    return std::any_of(block.ops.begin(), block.ops.end(), is_permute);
  });
}

/// Bytes of a block's exchanges between experts, in order.
std::vector<Bytes> payloads(const Block& block) {
  std::vector<Bytes> found;
  for (const Op& op : block.ops) {
    const auto* collective = std::get_if<Collective>(&op.kind);
    if (collective != nullptr && collective->group == GroupKind::ep) found.push_back(collective->payload);
  }
  return found;
}

std::int64_t passes_of(const Block& block, PointwiseKind kind, Component component) {
  return std::count_if(block.ops.begin(), block.ops.end(), [&](const Op& op) {
    const auto* pointwise = std::get_if<Pointwise>(&op.kind);
    return pointwise != nullptr && pointwise->kind == kind && op.component == component;
  });
}

}  // namespace

TEST_CASE("rows travel to experts in 8 bits and back in 16, forward and backward") {
  const StepProgram program = build_step_program(spread(Dispatcher::all_to_all));
  CHECK(check_program(program).empty());
  // 256 rows: 1 byte for each of 128 elements and a scale of 4 for all of them; back 2 bytes each.
  const std::vector<Bytes> expected{Bytes(256 * (128 + 4)), Bytes(256 * 128 * 2)};
  const Block& forward = moe_block(program, false);
  CHECK(payloads(forward) == expected);
  CHECK(payloads(moe_block(program, true)) == expected);
  // What arrives is read by products in 16 bits: a pass widens it.
  CHECK(passes_of(forward, PointwiseKind::quantise, Component::experts) == 1);
  CHECK(passes_of(forward, PointwiseKind::cast, Component::experts) == 1);
}

TEST_CASE("a dispatcher's own permutation widens the rows that arrive") {
  const StepProgram program = build_step_program(spread(Dispatcher::all_gather));
  CHECK(check_program(program).empty());
  const Block& forward = moe_block(program, false);
  // The tokens of 8 ranks, 128 each.
  CHECK(payloads(forward) == std::vector<Bytes>{Bytes(8 * 128 * (128 + 4)), Bytes(8 * 128 * 128 * 2)});
  CHECK(passes_of(forward, PointwiseKind::quantise, Component::experts) == 1);
  CHECK(passes_of(forward, PointwiseKind::cast, Component::experts) == 0);
}

TEST_CASE("rows are widened again where layers are computed a second time") {
  JobSpec job = spread(Dispatcher::all_to_all);
  job.training.recompute = Recompute::full;
  CHECK(check_program(build_step_program(job)).empty());
}
