#include "planner/program/passes/delay_wgrad.hpp"

#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

namespace foreshard::test {
namespace {

/// Two layers of 8 experts over 8 devices, whose passes are issued in turns.
JobSpec in_turns_job(bool delay) {
  JobSpec job;
  job.name = "in turns";
  job.model = llama_shaped(2, 64, 256, 8, 8, 256);
  job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 32};
  job.cluster = round_cluster(1);
  job.parallelism.dp = job.parallelism.ep = 8;
  job.training.sequence_length = 128;
  job.training.global_batch = 32;
  job.training.micro_batch = 1;
  job.training.overlap.ep = EpOverlap::in_turns;
  job.training.delay_wgrad = delay;
  return job;
}

/// The experts' products and the exchanges of a layer's backward pass: i and w for gradients of inputs and weights, x
/// for an exchange.
std::string order_of(const StepProgram& program) {
  std::string text;
  for (const Block& block : program.blocks) {
    if (block.kind != BlockKind::moe_layer || block.pass != Pass::backward) continue;
    for (const Op& op : block.ops) {
      if (const auto* collective = std::get_if<Collective>(&op.kind);
          collective && collective->group == GroupKind::ep)
        text += 'x';
      if (std::holds_alternative<GroupedGemm>(op.kind))
        text += op.phase == Phase::backward_weight ? 'w' : 'i';
    }
  }
  return text;
}

TEST_CASE("experts' weight gradients move behind the exchange of their inputs' gradients") {
  const StepProgram usual = build_step_program(in_turns_job(false));
  CHECK(check_program(usual).empty());
  // combine's gradient arrives; down and gate_up, input and weight each; dispatch's gradient leaves.
  const std::string order = order_of(usual);
  CHECK(order.front() == 'x');
  CHECK(order.back() == 'x');
  CHECK(order.size() == 6);
  const StepProgram delayed = build_step_program(in_turns_job(true));
  CHECK(check_program(delayed).empty());
  CHECK(order_of(delayed) == "xiixww");
}

TEST_CASE("a block without exchanges stays as it is") {
  Block block{.name = "dense backward", .kind = BlockKind::dense_layer, .pass = Pass::backward, .ops = {}};
  Op weight;
  weight.name = "weight";
  weight.phase = Phase::backward_weight;
  weight.component = Component::experts;
  Op input;
  input.name = "input";
  block.ops = {weight, input};
  delay_weight_gradients(block);
  CHECK(block.ops[0].name == "weight");
  CHECK(block.ops[1].name == "input");
}

}  // namespace
}  // namespace foreshard::test
