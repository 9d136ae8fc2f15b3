#include <cstdint>
#include <optional>

#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

namespace {

constexpr std::int64_t kHidden = 64;
constexpr std::int64_t kExpertHidden = 32;
constexpr std::int64_t kExperts = 8;
constexpr std::int64_t kTokens = 128;

/// Two layers of 8 experts, 2 per token, on 8 devices of one stage: tp · dp = 8.
JobSpec expert_job(std::int64_t tp, std::int64_t ep, std::optional<std::int64_t> etp, int zero) {
  JobSpec job;
  job.name = "experts";
  job.model = test::llama_shaped(2, kHidden, 4 * kHidden, 8, 8, 256);
  job.model.experts = ExpertsSpec{.count = kExperts, .per_token = 2, .hidden = kExpertHidden};
  job.cluster = test::round_cluster(1);
  job.parallelism.tp = tp;
  job.parallelism.dp = 8 / tp;
  job.parallelism.ep = ep;
  job.parallelism.etp = etp;
  job.parallelism.zero = zero;
  job.parallelism.sequence_parallel = tp > 1;
  job.training.sequence_length = kTokens;
  job.training.global_batch = 8;
  job.training.micro_batch = 1;
  return job;
}

struct Held {
  std::int64_t weights = 0;    ///< elements of experts' weights that one rank keeps, in one layer
  std::int64_t gradients = 0;  ///< likewise
  std::int64_t states = 0;     ///< elements of one optimizer state
  std::int64_t whole = 0;      ///< elements of the model's experts in one layer
};

Held held_by_one_rank(const StepProgram& program) {
  Held held;
  for (const Tensor& tensor : program.tensors) {
    if (tensor.role == TensorRole::optimizer && tensor.derivation == Derivation::master &&
        program.tensors[tensor.of.front().at()].is_of_routed_experts())
      held.states += tensor.local_elements();
    if (!tensor.is_of_routed_experts()) continue;
    if (tensor.role == TensorRole::weight && tensor.derivation == Derivation::none) {
      held.weights += tensor.local_elements();
      held.whole += tensor.global_elements();
    }
    if (tensor.derivation == Derivation::gradient && tensor.role == TensorRole::gradient)
      held.gradients += tensor.local_elements();
  }
  return held;
}

std::int64_t rows_of(const StepProgram& program, TensorItem item) {
  for (const Tensor& tensor : program.tensors)
    if (tensor.is({ModelPart::experts, item})) return tensor.dims[0].local();
  return 0;
}

}  // namespace

TEST_CASE("law: shards of experts add up over the folded mesh etp x ep x edp") {
  // gate, up and down of each expert
  constexpr std::int64_t kWhole = kExperts * 3 * kHidden * kExpertHidden;
  for (const std::int64_t tp : {1, 2, 4, 8})
    for (const std::int64_t ep : {1, 2, 4, 8})
      for (const std::int64_t etp : {1, 2, 4, 8})
        for (const int zero : {0, 1, 2, 3}) {
          if (8 % (ep * etp) != 0) continue;
          const std::int64_t edp = 8 / (ep * etp);
          CAPTURE(tp, ep, etp, zero);
          const StepProgram program = build_step_program(expert_job(tp, ep, etp, zero));
          CHECK(check_program(program).empty());
          CHECK(program.group(GroupKind::expert_dp).size == edp);
          const Held held = held_by_one_rank(program);
          CHECK(held.whole == kWhole);
          // Eight ranks hold edp copies, or under ZeRO one copy of what it shards.
          CHECK(8 * held.weights == kWhole * (zero == 3 ? 1 : edp));
          CHECK(8 * held.gradients == kWhole * (zero >= 2 ? 1 : edp));
          CHECK(8 * held.states == kWhole * (zero >= 1 ? 1 : edp));
        }
}

TEST_CASE("rows of a tp rank's own tokens go over ep, then to all ranks of the etp group") {
  // tp 4: a rank has 128 / 4 = 32 tokens and so 64 rows. Over ep as many arrive on average.
  const StepProgram whole_experts = build_step_program(expert_job(4, 8, 1, 0));
  CHECK(rows_of(whole_experts, TensorItem::sent) == 64);
  CHECK(rows_of(whole_experts, TensorItem::arrived) == 64);
  CHECK(rows_of(whole_experts, TensorItem::in) == 0);  // no gather: an etp group is one rank
  const StepProgram halves = build_step_program(expert_job(4, 4, 2, 0));
  CHECK(rows_of(halves, TensorItem::arrived) == 64);
  CHECK(rows_of(halves, TensorItem::in) == 128);
  // etp 4 over tp 2: an etp group has the tokens of two micro-batches, 2 · 128 · 2 rows.
  const StepProgram wide = build_step_program(expert_job(2, 2, 4, 0));
  CHECK(rows_of(wide, TensorItem::arrived) == 128);
  CHECK(rows_of(wide, TensorItem::in) == 512);
}

TEST_CASE("experts are cut over tp unless etp says otherwise or ep needs the devices") {
  CHECK(expert_job(2, 4, std::nullopt, 0).parallelism.expert_tp() == 2);
  CHECK(expert_job(2, 8, std::nullopt, 0).parallelism.expert_tp() == 1);
  CHECK(expert_job(2, 2, 4, 0).parallelism.expert_tp() == 4);
  CHECK(expert_job(2, 2, 1, 0).parallelism.expert_replicas() == 4);
}

TEST_CASE("law: etp = tp is what a job without etp does") {
  for (const std::int64_t tp : {1, 2, 4})
    for (const int zero : {0, 1, 3}) {
      CAPTURE(tp, zero);
      const StepProgram said = build_step_program(expert_job(tp, 2, tp, zero));
      const StepProgram unsaid = build_step_program(expert_job(tp, 2, std::nullopt, zero));
      CHECK(said.groups == unsaid.groups);
      REQUIRE(said.tensors.size() == unsaid.tensors.size());
      for (std::size_t i = 0; i < said.tensors.size(); ++i)
        CHECK(said.tensors[i].dims == unsaid.tensors[i].dims);
    }
}
