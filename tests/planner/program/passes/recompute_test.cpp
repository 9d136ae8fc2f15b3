// Recomputation by module and by layer: what a layer keeps, derived by hand; what runs again; and that more
// recomputation never needs more memory.
#include <algorithm>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/build/recomputed_layers.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/dependencies/task_graph.hpp"
#include "planner/program/ops/op_flops.hpp"
#include "planner/spec/types/names.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

using Modules = std::vector<RecomputeModule>;

constexpr std::int64_t s = 16, b = 2, T = s * b;  // tokens of a micro-batch
constexpr std::int64_t D = 32, F = 48, A = 4;     // hidden, FFN hidden, heads
constexpr MlaSpec kMla{.q_rank = 24, .kv_rank = 16, .nope_head_dim = 8, .rope_head_dim = 4, .v_head_dim = 8};
constexpr ExpertsSpec kExperts{.count = 4, .per_token = 2, .hidden = 24, .shared_hidden = 16};

JobSpec dense_job() {
  return llama_job(llama_shaped(8, D, F, A, A, 64), {.sequence = s, .micro_batch = b, .global_batch = 8});
}
JobSpec latent_job() {
  JobSpec job = dense_job();
  job.model.mla = kMla;
  return job;
}
JobSpec expert_job() {
  JobSpec job = dense_job();
  job.model.experts = kExperts;
  return job;
}

JobSpec recomputing(JobSpec job, Modules modules) {
  job.training.recompute = modules.empty() ? Recompute::none : Recompute::modules;
  job.training.recompute_modules = std::move(modules);
  return job;
}

/// Bytes that one layer's forward leaves for its backward.
std::int64_t saved(const JobSpec& job, const std::string& block = "dense_layer") {
  const StepProgram program = build_step_program(job);
  return block_memory(program)[block_index(program, block + " forward")].saved.value();
}

std::int64_t saved_less(const JobSpec& job, const Modules& modules,
                        const std::string& block = "dense_layer") {
  return saved(job, block) - saved(recomputing(job, modules), block);
}

/// FLOPs that the backward block of a layer executes again.
std::int64_t recomputed_flops(const JobSpec& job, const std::string& block = "dense_layer") {
  const StepProgram program = build_step_program(job);
  std::int64_t sum = 0;
  for (const Op& op : block_named(program, block + " backward").ops)
    if (op.phase == Phase::recompute) sum += op_flops(op).hardware.value();
  return sum;
}

Bytes peak(const JobSpec& job) { return memory_report(job, build_step_program(job)).peak; }

}  // namespace

TEST_CASE("mla_up_proj drops queries, keys and values, and the norms before their projections") {
  // Kept otherwise, in bf16: q of heads of 8 + 4, k and v of heads of 8 + 8, and the norms' outputs of 24 and 16
  // columns with one fp32 statistic per row each.
  constexpr std::int64_t kQueries = A * (8 + 4), kKeysAndValues = A * (8 + 8), kNormed = 24 + 16;
  CHECK(saved_less(latent_job(), {RecomputeModule::mla_up_proj}) ==
        2 * T * (kQueries + kKeysAndValues + kNormed) + 2 * 4 * T);
  // The two up projections run again: 2 FLOPs per row, column and inner element.
  CHECK(recomputed_flops(recomputing(latent_job(), {RecomputeModule::mla_up_proj})) ==
        2 * T * (kQueries * 24 + kKeysAndValues * 16));
}

TEST_CASE("layernorm drops the outputs of both norms and their statistics") {
  CHECK(saved_less(dense_job(), {RecomputeModule::layernorm}) == 2 * (2 * T * D + 4 * T));
  CHECK(recomputed_flops(recomputing(dense_job(), {RecomputeModule::layernorm})) == 0);
}

TEST_CASE("mlp drops gate, up and their product, and keeps its input") {
  CHECK(saved_less(dense_job(), {RecomputeModule::mlp}) == 2 * T * 3 * F);
  // The whole module runs again, its last product too: 2·T·D·(2F + F).
  CHECK(recomputed_flops(recomputing(dense_job(), {RecomputeModule::mlp})) == 2 * T * D * 3 * F);
}

TEST_CASE("moe_act drops what the experts' second products read") {
  constexpr std::int64_t kRows = T * 2;  // every token goes to two experts
  CHECK(saved_less(expert_job(), {RecomputeModule::moe_act}, "moe_layer") == 2 * kRows * 24);
}

TEST_CASE("shared_experts drops gate, up and their product") {
  CHECK(saved_less(expert_job(), {RecomputeModule::shared_experts}, "moe_layer") == 2 * T * 3 * 16);
}

TEST_CASE("moe covers its activation and the shared experts") {
  const Modules moe{RecomputeModule::moe};
  const Modules all{RecomputeModule::moe, RecomputeModule::moe_act, RecomputeModule::shared_experts};
  CHECK(saved(recomputing(expert_job(), moe), "moe_layer") ==
        saved(recomputing(expert_job(), all), "moe_layer"));
  CHECK(saved_less(expert_job(), moe, "moe_layer") >
        saved_less(expert_job(), {RecomputeModule::moe_act}, "moe_layer"));
}

TEST_CASE("the attention core as a module is selective recomputation") {
  JobSpec selective = dense_job();
  selective.training.recompute = Recompute::selective;
  const JobSpec listed = recomputing(dense_job(), {RecomputeModule::core_attn});
  CHECK(saved(selective) == saved(listed));
  CHECK(recomputed_flops(selective) == recomputed_flops(listed));
  CHECK(peak(selective) == peak(listed));
}

TEST_CASE("more recomputation never needs more memory") {
  using M = RecomputeModule;
  struct Chain {
    JobSpec job;
    std::vector<Modules> lists;
  };
  const std::vector<Chain> chains{
      {dense_job(), {{}, {M::layernorm}, {M::layernorm, M::mlp}}},
      {latent_job(),
       {{}, {M::mla_up_proj}, {M::mla_up_proj, M::layernorm}, {M::mla_up_proj, M::layernorm, M::mlp}}},
      {expert_job(), {{}, {M::moe_act}, {M::layernorm, M::moe_act}, {M::layernorm, M::moe}}}};
  for (const Chain& chain : chains) {
    Bytes before = peak(chain.job);
    for (const Modules& modules : chain.lists) {
      const Bytes now = peak(recomputing(chain.job, modules));
      CAPTURE(modules.size());
      CHECK(now <= before);
      before = now;
    }
    JobSpec full = chain.job;
    full.training.recompute = Recompute::full;
    CHECK(peak(full) <= before);
  }
}

TEST_CASE("more recomputed layers never need more memory, and all of them are the whole model") {
  JobSpec job = dense_job();
  job.training.recompute = Recompute::full;
  const Bytes all = peak(job);
  Bytes before = peak(dense_job());
  for (std::int64_t layers = 1; layers <= 8; ++layers) {
    job.training.recompute_layers = FirstLayers{layers};
    const Bytes now = peak(job);
    CHECK(now <= before);
    before = now;
  }
  CHECK(before == all);
}

TEST_CASE("layers that are not recomputed keep what a job without recomputation keeps") {
  JobSpec job = dense_job();
  job.training.recompute = Recompute::full;
  job.training.recompute_layers = FirstLayers{3};
  CHECK(saved(job, "dense_layer(kept)") == saved(dense_job()));
  // Full recomputation keeps the layer's output alone, the input of the next.
  CHECK(saved(job) == 2 * T * D);
  const StepProgram program = build_step_program(job);
  std::vector<std::string> names;
  for (const BlockCall& call : program.stages[0].chunks[0].forward)
    names.push_back(program.block(call.block).name);
  CHECK(std::count(names.begin(), names.end(), "dense_layer forward") == 3);
  CHECK(std::count(names.begin(), names.end(), "dense_layer(kept) forward") == 5);
}

TEST_CASE("which layers are recomputed") {
  const Placement two_stages = Placement::along(PieceOrder::round_robin, 2, {2, 2, 2, 2});
  const Placement one_stage = Placement::along(PieceOrder::round_robin, 1, {8});
  using Chosen = std::vector<bool>;
  CHECK(recomputed_layers(AllLayers{}, one_stage) == Chosen(8, true));
  CHECK(recomputed_layers(FirstLayers{3}, one_stage) == Chosen{1, 1, 1, 0, 0, 0, 0, 0});
  // The first layer of each chunk.
  CHECK(recomputed_layers(FirstLayers{1}, two_stages) == Chosen{1, 0, 1, 0, 1, 0, 1, 0});
  CHECK(recomputed_layers(EveryNthLayer{3}, one_stage) == Chosen{0, 0, 1, 0, 0, 1, 0, 0});
  // Stage 0 has layers 0, 1, 4, 5 and counts them 1 to 4; stage 1 has 2, 3, 6, 7.
  CHECK(recomputed_layers(EveryNthLayer{3}, two_stages) == Chosen{0, 0, 0, 0, 1, 0, 1, 0});
  // i/2 reaches 1/2, 3/2, 5/2, 7/2 at i = 1, 3, 5, 7; i/3 reaches 1/2 at 2, 3/2 at 5, 5/2 at 8.
  CHECK(recomputed_layers(ShareOfLayers{0.5}, one_stage) == Chosen{1, 0, 1, 0, 1, 0, 1, 0});
  CHECK(recomputed_layers(ShareOfLayers{1.0 / 3.0}, one_stage) == Chosen{0, 1, 0, 0, 1, 0, 0, 1});
  CHECK(recomputed_layers(ListedLayers{{2, 0}}, two_stages) == Chosen{1, 1, 0, 0, 1, 1, 0, 0});
  CHECK(recomputed_layers(ListedLayers{{1, 2, 0, 9}}, two_stages) == Chosen{1, 0, 1, 1, 0, 0, 1, 1});
}

TEST_CASE("programs that recompute modules or some layers are sound") {
  using M = RecomputeModule;
  const Framework framework = GENERATE(Framework::foreshard, Framework::megatron, Framework::torch_fsdp);
  const bool experts = GENERATE(false, true);
  const bool latent = GENERATE(false, true);
  const Modules modules =
      GENERATE(Modules{}, Modules{M::layernorm}, Modules{M::core_attn, M::layernorm, M::mlp},
               Modules{M::core_attn, M::mla_up_proj, M::layernorm, M::moe_act}, Modules{M::moe, M::mlp},
               Modules{M::mla_up_proj, M::shared_experts});
  const RecomputeLayers layers = GENERATE(RecomputeLayers{AllLayers{}}, RecomputeLayers{EveryNthLayer{2}});
  const Degrees degrees = GENERATE(Degrees{}, Degrees{.tp = 2, .pp = 2, .dp = 2, .sequence_parallel = true},
                                   Degrees{.tp = 2, .dp = 2, .sequence_parallel = true, .zero = 3});
  JobSpec job = experts ? expert_job() : dense_job();
  if (experts) job.model.experts->dense_layers = 2;
  if (latent) job.model.mla = kMla;
  job.framework = framework;
  job.training.recompute_layers = layers;
  job.training.recompute = Recompute::full;
  if (!modules.empty()) job = recomputing(job, modules);
  job.training.recompute_layers = layers;
  job.parallelism.tp = degrees.tp;
  job.parallelism.pp = degrees.pp;
  job.parallelism.dp = degrees.dp;
  job.parallelism.sequence_parallel = degrees.sequence_parallel;
  job.parallelism.zero = degrees.zero;
  job.cluster = round_cluster(1, degrees.tp * degrees.pp * degrees.dp);
  const auto findings = find_illegalities(job);
  if (!findings.empty()) {
    // The model lacks a module that is listed; nothing else is wrong.
    CHECK(findings.front().path == "training.recompute");
    return;
  }
  CAPTURE(static_cast<int>(framework), experts, latent, modules.size(), layers.index(), degrees.tp,
          degrees.zero);
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program) == std::vector<std::string>{});
  CHECK(TaskGraph(program).is_acyclic());
}
