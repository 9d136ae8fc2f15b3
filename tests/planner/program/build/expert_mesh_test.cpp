#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/spec/types/layer_pattern.hpp"
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

namespace {

/// Eight experts on eight ranks, 2 per token, 128 tokens per rank.
JobSpec spread_job(Dispatcher dispatcher) {
  JobSpec job = expert_job(1, 8, std::nullopt, 0);
  job.training.dispatcher = dispatcher;
  return job;
}

const Block& moe_forward(const StepProgram& program) {
  for (const Block& block : program.blocks)
    if (block.kind == BlockKind::moe_layer && block.pass == Pass::forward) return block;
  throw std::logic_error("the program has no layer of experts");
}

/// The position of the first operation of this name in the block; its end if there is none.
std::size_t place_of(const Block& block, const std::string& name) {
  std::size_t at = 0;
  while (at < block.ops.size() && block.ops[at].name != name) ++at;
  return at;
}

const Op& op_named(const Block& block, const std::string& name) {
  const std::size_t at = place_of(block, name);
  REQUIRE(at < block.ops.size());
  return block.ops[at];
}

}  // namespace

TEST_CASE("DeepEP sends a token once to each rank that has one of its experts") {
  for (const Dispatcher dispatcher : {Dispatcher::deepep, Dispatcher::hybridep}) {
    JobSpec job = spread_job(dispatcher);
    const StepProgram one_node = build_step_program(job);
    CHECK(check_program(one_node).empty());
    // One expert per rank: two experts are two ranks. 128 tokens · 2 copies of 64 elements in bf16.
    CHECK(rows_of(one_node, TensorItem::arrived) == 256);
    CHECK(rows_of(one_node, TensorItem::sent) == 0);
    const std::string name = dispatcher == Dispatcher::deepep ? "deepep dispatch" : "hybridep dispatch";
    const auto& exchange = std::get<Collective>(op_named(moe_forward(one_node), name).kind);
    CHECK(exchange.payload == Bytes(256 * kHidden * 2));
    REQUIRE(exchange.copies);
    CHECK(exchange.copies->ranks == Approx(2.0));
    CHECK(exchange.copies->nodes == Approx(1.0));
    // Four nodes of two ranks: 4 · (1 − C(6, 2)/C(8, 2)) = 4 · 13/28 nodes per token.
    job.cluster = test::round_cluster(4, 2);
    const StepProgram four_nodes = build_step_program(job);
    const auto& across = std::get<Collective>(op_named(moe_forward(four_nodes), name).kind);
    CHECK(across.copies->nodes == Approx(13.0 / 7.0));
  }
}

TEST_CASE("two of four experts of a rank need one copy of a token") {
  // ep 2, four experts per rank: a token's two experts lie on one rank with probability 2 · C(4, 2)/C(8, 2) = 3/7.
  JobSpec job = spread_job(Dispatcher::deepep);
  job.parallelism.ep = 2;
  const StepProgram program = build_step_program(job);
  // 128 · (3/7 + 2 · 4/7) = 201.14 copies, rounded up.
  CHECK(rows_of(program, TensorItem::arrived) == 202);
  CHECK(rows_of(program, TensorItem::in) == 256);
}

TEST_CASE("an all-gather brings every rank the tokens of all ranks of its group") {
  const StepProgram program = build_step_program(spread_job(Dispatcher::all_gather));
  CHECK(check_program(program).empty());
  CHECK(rows_of(program, TensorItem::arrived) == 8 * 128);
  CHECK(rows_of(program, TensorItem::in) == 256);
  const auto& back = std::get<Collective>(op_named(moe_forward(program), "reduce-scatter tokens").kind);
  CHECK(back.kind == CollectiveKind::reduce_scatter);
  CHECK(back.payload == Bytes(8 * 128 * kHidden * 2));
}

TEST_CASE("a loop runs each expert's products and gathers by themselves") {
  JobSpec job = expert_job(1, 1, std::nullopt, 3);
  job.training.dispatcher = Dispatcher::loop;
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program).empty());
  const Block& forward = moe_forward(program);
  CHECK(op_named(forward, "experts gate_up").calls == kExperts);
  CHECK(op_named(forward, "combine").calls == kExperts);
  CHECK(op_named(forward, "router").calls == 1);
  // gate, up and down of eight experts
  std::int64_t gathers = 0;
  for (const Op& op : forward.ops)
    if (op.name == "gather weights") gathers += op.calls;
  CHECK(gathers == 1 + 8 * 3);
}

TEST_CASE("rows beyond an expert's capacity are dropped, or experts are padded to it") {
  JobSpec job = spread_job(Dispatcher::all_to_all);
  job.model.experts->imbalance = 2.0;
  CHECK(rows_of(build_step_program(job), TensorItem::arrived) == 512);  // 128 · 2 · 2
  job.training.expert_capacity = CapacitySpec{.factor = 1.5};
  CHECK(rows_of(build_step_program(job), TensorItem::arrived) == 384);
  CHECK(rows_of(build_step_program(job), TensorItem::sent) == 256);
  job.training.expert_capacity = CapacitySpec{.factor = 1.25, .pad = true};
  CHECK(rows_of(build_step_program(job), TensorItem::arrived) == 320);
  CHECK(rows_of(build_step_program(job), TensorItem::sent) == 320);
}

TEST_CASE("layers whose experts are loaded unevenly share weights, and each has its own number of rows") {
  JobSpec job = spread_job(Dispatcher::all_to_all);
  job.model.experts->imbalance = 2.0;
  LayerKind even{.name = "even", .mixer = usual_mixer(job.model), .ffn = FeedForward::experts};
  even.expert_load = 0.5;
  LayerKind uneven = even;
  uneven.name = "uneven";
  uneven.expert_load = 1.5;
  job.model.layer_kinds = {even, uneven};
  job.model.pattern = {0, 1};
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program).empty());
  std::vector<std::int64_t> arrived;
  std::int64_t weights = 0;
  for (const Tensor& tensor : program.tensors) {
    if (tensor.derivation != Derivation::none) continue;
    if (tensor.meaning.item == TensorItem::arrived) arrived.push_back(tensor.dims[0].local());
    if (tensor.is_of_routed_experts() && tensor.role == TensorRole::weight) ++weights;
  }
  // 128 tokens of 2 rows each: once and three times the mean.
  CHECK(arrived == std::vector<std::int64_t>{256, 768});
  CHECK(weights == 2);  // gate and up, down: one tensor for both kinds
}

TEST_CASE("shared experts run beside dispatch up to their activation, and beside combine from there on") {
  JobSpec job = spread_job(Dispatcher::all_to_all);
  job.model.experts->shared_hidden = 32;
  job.training.overlap.ep = EpOverlap::shared;
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program).empty());
  const Block& forward = moe_forward(program);
  const Op& dispatch = op_named(forward, "all-to-all dispatch");
  CHECK_FALSE(dispatch.after_compute);
  CHECK_FALSE(dispatch.blocks_compute);
  CHECK(place_of(forward, "all-to-all dispatch") < place_of(forward, "shared gate_up"));
  CHECK(place_of(forward, "shared gate_up") < place_of(forward, "experts gate_up"));
  CHECK(place_of(forward, "all-to-all combine") < place_of(forward, "shared down"));
  CHECK(place_of(forward, "shared down") < place_of(forward, "add shared experts"));
}
