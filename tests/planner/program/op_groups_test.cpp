#include "planner/program/op_groups.hpp"

#include <algorithm>

#include "planner/program/build/build_step_program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

namespace foreshard::test {
namespace {

std::int64_t calls_of(const OpGroups& groups, Component component, std::string_view kind, Phase phase) {
  for (const OpGroup& group : groups.groups) {
    if (group.component == component && group.kind == kind && group.phase == phase) return group.calls;
  }
  return 0;
}

TEST_CASE("operations alike in component, kind and phase are one group, counted over a step") {
  // Two layers on two stages, two micro-batches: each layer's FFN has two products forward, and runs twice.
  const StepProgram program = build_step_program(golden_job());
  const OpGroups groups = op_groups(program);
  CHECK(calls_of(groups, Component::ffn, "gemm", Phase::forward) == 2 * 2 * 2);
  CHECK(calls_of(groups, Component::ffn, "gemm", Phase::backward_input) == 2 * 2 * 2);
  CHECK(calls_of(groups, Component::attention_core, "attention", Phase::forward) == 2 * 2);
  // Each stage sends to the other once per micro-batch.
  CHECK(calls_of(groups, Component::pipeline, "send", Phase::forward) == 2);
  CHECK(calls_of(groups, Component::pipeline, "recv", Phase::forward) == 2);
}

TEST_CASE("every operation belongs to a group of its kind") {
  const StepProgram program = build_step_program(golden_job());
  const OpGroups groups = op_groups(program);
  for (std::size_t block = 0; block < program.blocks.size(); ++block) {
    REQUIRE(groups.group_of[block].size() == program.blocks[block].ops.size());
    for (std::size_t op = 0; op < groups.group_of[block].size(); ++op) {
      const OpGroup& group = groups.groups[groups.group_of[block][op]];
      CHECK(group.kind == kind_name(program.blocks[block].ops[op].kind));
      CHECK(group.phase == program.blocks[block].ops[op].phase);
      CHECK(group.is_communication == is_communication(program.blocks[block].ops[op]));
      // Only the sum of the gradient norm spans several stages; tensor-parallel collectives stay within one.
      CHECK(group.spans_stages == (program.blocks[block].ops[op].name == "all-reduce gradient norm"));
    }
  }
}

TEST_CASE("what first and last stage sum together is a row of its own") {
  JobSpec job = golden_job();
  job.model.tied_embeddings = true;
  job.parallelism.dp = 2;
  job.training.global_batch = 4;
  const OpGroups result = op_groups(build_step_program(job));
  // Once on each of the two stages; the data-parallel sums are another row.
  const auto tied = std::find_if(result.groups.begin(), result.groups.end(),
                                 [](const OpGroup& group) { return group.kind == "tied all-reduce"; });
  REQUIRE(tied != result.groups.end());
  CHECK(tied->calls == 2);
  CHECK(tied->spans_stages);
  const auto replicas = std::find_if(result.groups.begin(), result.groups.end(), [](const OpGroup& group) {
    return group.kind == "all-reduce" && group.component == Component::gradient_sync;
  });
  REQUIRE(replicas != result.groups.end());
  CHECK(!replicas->spans_stages);
}

}  // namespace
}  // namespace foreshard::test
