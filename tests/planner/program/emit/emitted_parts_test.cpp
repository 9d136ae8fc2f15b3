// Experts, latent attention, long contexts and low-rank adapters: for every combination in a job, the program
// is valid, and all ranks together do the work of the unsharded model in a step.
#include <algorithm>
#include <string>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/model_figures.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/dependencies/task_graph.hpp"
#include "planner/program/json/program_json.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

namespace {

enum class Kind { experts, shared_experts, latent, latent_experts, long_context, adapters };

/// Four small layers of one kind.
ModelSpec small_model(Kind kind) {
  ModelSpec model = test::llama_shaped(4, 16, 32, 8, 8, 64);
  model.vocab_multiple = 8;
  if (kind == Kind::experts) {
    model.experts = ExpertsSpec{.count = 4, .per_token = 2, .hidden = 8, .imbalance = 1.5};
    model.biases = Biases::all;
    model.attention_sinks = true;
  }
  if (kind == Kind::shared_experts || kind == Kind::latent_experts) {
    model.experts = ExpertsSpec{
        .count = 4, .per_token = 2, .hidden = 8, .shared_hidden = 16, .dense_layers = 1, .score_bias = true};
  }
  if (kind == Kind::latent || kind == Kind::latent_experts) {
    model.mla = MlaSpec{.q_rank = kind == Kind::latent ? 0 : 6,
                        .kv_rank = 4,
                        .nope_head_dim = 2,
                        .rope_head_dim = 2,
                        .v_head_dim = 4};
    model.head_dim = 4;
  }
  if (kind == Kind::long_context) model.window = 8;
  return model;
}

struct Degrees {
  std::int64_t tp = 1;
  std::int64_t pp = 1;
  std::int64_t cp = 1;
  std::int64_t ep = 1;
  std::int64_t dp = 1;
  int zero = 0;
  CpStyle style = CpStyle::ring;
  bool zero_bubble = false;
};

JobSpec small_job(Kind kind, const Degrees& d) {
  JobSpec job;
  job.name = "small";
  job.model = small_model(kind);
  job.cluster = test::round_cluster(1, d.tp * d.pp * d.cp * d.dp);
  ParallelismSpec& p = job.parallelism;
  p.tp = d.tp;
  p.pp = d.pp;
  p.cp = d.cp;
  p.ep = job.model.experts ? d.ep : 1;
  p.dp = d.dp;
  p.sequence_parallel = d.tp > 1;
  p.zero = d.zero;
  p.cp_style = job.model.mla ? CpStyle::all_gather : d.style;
  if (d.zero_bubble) job.training.schedule = ScheduleKind::zero_bubble;
  job.training.sequence_length = 16;
  job.training.micro_batch = 2;
  job.training.global_batch = 4 * d.dp;
  if (kind == Kind::adapters) job.lora = LoraSpec{.rank = 2, .attention = true, .ffn = true};
  return job;
}

std::vector<std::string> illegalities(const JobSpec& job) {
  std::vector<std::string> texts;
  for (const Illegality& illegality : find_illegalities(job))
    texts.push_back(illegality.path + ": " + illegality.message);
  return texts;
}

/// FLOPs of all ranks' products for one micro-batch of every data-parallel rank, recomputation left out.
std::int64_t flops_of_all_ranks(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  std::int64_t sum = 0;
  for (std::size_t s = 0; s < program.stages.size(); ++s) {
    const std::vector<std::int64_t> block_calls = count_block_calls(program, StageId(s));
    for (std::size_t b = 0; b < block_calls.size(); ++b) {
      for (const Op& op : program.blocks[b].ops) {
        if (op.phase != Phase::recompute) sum += block_calls[b] * op_flops(op).hardware.value();
      }
    }
  }
  return sum * job.parallelism.tp * job.parallelism.cp;
}

}  // namespace

TEST_CASE("programs with experts, latent attention, long contexts or adapters are sound") {
  const Kind kind = GENERATE(Kind::experts, Kind::shared_experts, Kind::latent, Kind::latent_experts,
                             Kind::long_context, Kind::adapters);
  const Degrees degrees =
      GENERATE(Degrees{}, Degrees{.tp = 2, .ep = 2, .dp = 2}, Degrees{.tp = 2, .cp = 2, .ep = 2},
               Degrees{.cp = 2, .ep = 4, .dp = 2, .zero = 1, .style = CpStyle::ulysses},
               Degrees{.tp = 2, .pp = 2, .cp = 2, .ep = 2, .dp = 2, .zero = 2, .style = CpStyle::all_gather},
               Degrees{.tp = 2, .ep = 2, .dp = 4, .zero = 3}, Degrees{.pp = 2, .dp = 2, .zero = 1},
               Degrees{.tp = 2, .pp = 2, .cp = 2, .ep = 2, .dp = 2, .zero = 1, .zero_bubble = true});
  const Recompute recompute =
      GENERATE(Recompute::none, Recompute::selective, Recompute::selective_ops, Recompute::full);
  const Framework framework = GENERATE(Framework::foreshard, Framework::megatron, Framework::torch_fsdp);
  JobSpec job = small_job(kind, degrees);
  job.framework = framework;
  job.training.recompute = recompute;
  job.training.compiled = framework_conventions(framework).compiled;
  job.training.overlap = framework_conventions(framework).overlap;
  INFO("kind " << static_cast<int>(kind) << " tp " << degrees.tp << " pp " << degrees.pp << " cp "
               << degrees.cp << " ep " << degrees.ep << " dp " << degrees.dp << " zero " << degrees.zero
               << " recompute " << static_cast<int>(recompute) << " framework "
               << static_cast<int>(framework));
  REQUIRE(illegalities(job) == std::vector<std::string>{});
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program) == std::vector<std::string>{});
  CHECK(TaskGraph(program).is_acyclic());
  const std::string text = to_json(program);
  CHECK(to_json(program_from_json(text)) == text);
}

TEST_CASE("the ranks together do the unsharded model's work") {
  const Kind kind = GENERATE(Kind::shared_experts, Kind::latent, Kind::latent_experts, Kind::long_context);
  const std::int64_t whole = flops_of_all_ranks(small_job(kind, {}));
  // Without tp no work is done twice.
  CHECK(flops_of_all_ranks(small_job(kind, {.cp = 2, .ep = 2})) == whole);
  CHECK(flops_of_all_ranks(small_job(kind, {.pp = 2, .cp = 4, .ep = 4})) == whole);
  CHECK(flops_of_all_ranks(small_job(kind, {.pp = 2, .cp = 4, .ep = 4, .zero_bubble = true})) == whole);
  // Under sequence parallelism routers and latent products run on a rank's own tokens.
  CHECK(flops_of_all_ranks(small_job(kind, {.tp = 2, .cp = 2, .ep = 2})) == whole);
}

TEST_CASE("the shards of experts add up to the model") {
  const JobSpec whole = small_job(Kind::shared_experts, {});
  const JobSpec sharded = small_job(Kind::shared_experts, {.tp = 2, .cp = 2, .ep = 4, .dp = 2});
  const auto counts = [](const JobSpec& job) { return count_parameters(job, build_step_program(job)); };
  CHECK(counts(sharded).total == counts(whole).total);
  CHECK(counts(sharded).active == counts(whole).active);
  // By hand: L 4, D 16, A·d = G·d = 16, F 32, 4 experts of 8 with 2 per token, shared 16, 1 dense layer,
  // V 64.
  //   attention 4·(4·16·16) = 4,096   norms 4·2·16 + 16 = 144   dense FFN 3·16·32 = 1,536
  //   per MoE layer: router 4·16 + 4 score biases = 68; experts 4·3·16·8 = 1,536; shared 3·16·16 = 768
  //   tables 2·64·16 = 2,048
  CHECK(counts(whole).total.value() == 4096 + 144 + 1536 + 3 * (68 + 1536 + 768) + 2048);
  CHECK(counts(whole).active.value() == 4096 + 144 + 1536 + 3 * (68 + 768 + 768) + 2048);
  CHECK(counts(whole).router.value() == 3 * 68);
}

TEST_CASE("an expert rank holds its experts only, and its busiest one gets more tokens than the mean") {
  JobSpec job = small_job(Kind::experts, {.ep = 4, .dp = 4});
  const StepProgram program = build_step_program(job);
  const auto local = [&](const std::string& name) {
    for (const Tensor& tensor : program.tensors)
      if (tensor.label == name) return tensor.local_elements();
    return std::int64_t{-1};
  };
  // One of 4 experts: gate and up (16, 16) in one matrix.
  CHECK(local("layer.experts.gate_up.weight") == 2 * 8 * 16);
  // 2 sequences of 16 tokens to 2 experts each: 64 rows of 16 are sent, 1.5 times as many arrive at the
  // busiest.
  CHECK(local("layer.experts.sent") == 64 * 16);
  CHECK(local("layer.experts.arrived") == 96 * 16);
}

TEST_CASE("a causal window counts the pairs that it leaves") {
  // s 16, w 8: 16·8 − 8·8/2 = 96 pairs (and half the diagonal), the half of 16 queries × 12 keys.
  const StepProgram program = build_step_program(small_job(Kind::long_context, {}));
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      if (const auto* core = std::get_if<Attention>(&op.kind)) {
        CHECK(core->query == 16);
        CHECK(core->key == 12);
      }
    }
  }
}

TEST_CASE("ring attention sends keys and values, forward and again backward with their gradients") {
  const StepProgram program = build_step_program(small_job(Kind::long_context, {.cp = 2}));
  std::vector<std::string> calls;
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      const auto* collective = std::get_if<Collective>(&op.kind);
      if (collective == nullptr || collective->group != GroupKind::cp) continue;
      calls.push_back(std::string(kind_name(op.kind)));
      // All tokens' keys and values: 2 sequences · 16 tokens · 2 · 8 heads · 2 elements of 2 bytes.
      CHECK(collective->payload == Bytes(2 * 16 * 2 * 8 * 2 * 2));
    }
  }
  CHECK(calls == std::vector<std::string>{"all-gather", "all-gather", "reduce-scatter"});
}

TEST_CASE("low-rank adapters alone are trained") {
  const JobSpec job = small_job(Kind::adapters, {});
  const StepProgram program = build_step_program(job);
  // Per layer, rank 2: a weight (out, in) has the adapters A (2, in) and B (out, 2).
  //   qkv (48, 16) → 2·64   out (16, 16) → 2·32   gate_up (64, 16) → 2·80   down (16, 32) → 2·48
  const std::int64_t adapters = 4 * 2 * (64 + 32 + 80 + 48);
  const StageMemory memory = memory_report(job, program).stages.front();
  CHECK(memory.gradients == Bytes(4 * adapters));            // fp32
  CHECK(memory.optimizer == Bytes((4 + 4 + 4) * adapters));  // master and two moments
  const std::int64_t base = count_parameters(job, program).total.value();
  CHECK(base == 4 * (4 * 16 * 16 + 3 * 16 * 32 + 2 * 16) + 16 + 2 * 64 * 16);
  CHECK(memory.weights == Bytes(2 * (base + adapters)));

  // FLOPs per token and element: 2 forward, 2 for the input's gradient, 2 for the weight's, which the base
  // has not.
  const std::int64_t tokens = 2 * 32;  // two micro-batches of 2 sequences of 16 tokens
  const std::int64_t products = 4 * (4 * 16 * 16 + 3 * 16 * 32) + 64 * 16;
  // The core: 2 products forward and 5 backward of 2·16·16·head_dim 2 for 8 heads of each of 4 sequences.
  const std::int64_t core = 4 * 4 * 8 * 7 * (2 * 16 * 16 * 2);
  CHECK(flops_of_all_ranks(job) == tokens * (4 * products + 6 * adapters) + core);
}
