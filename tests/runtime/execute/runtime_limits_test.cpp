#include "runtime/execute/runtime_limits.hpp"

#include "planner/spec/types/layer_pattern.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

/// The only complaint about the job.
std::string complaint(const JobSpec& job) {
  const std::vector<std::string> lacks = what_the_runtime_lacks(job);
  REQUIRE(lacks.size() == 1);
  return lacks.front();
}

TEST_CASE("a dense fp32 job can be executed") {
  CHECK(what_the_runtime_lacks(tiny_job(false)).empty());
  CHECK(what_the_runtime_lacks(tiny_job(true)).empty());
}

TEST_CASE("patterns of windows, chunks and sinks can be executed") {
  JobSpec job = tiny_job(false);
  job.model.attention_sinks = true;
  job.model.window = 4;
  LayerKind local{.name = "local", .mixer = usual_mixer(job.model)};
  job.model.window = std::nullopt;
  job.model.attention_options.chunk = 2;
  job.model.layer_kinds = {local, {.name = "chunked", .mixer = usual_mixer(job.model)}};
  job.model.pattern = {0, 1};
  CHECK(what_the_runtime_lacks(job).empty());
}

TEST_CASE("GPUs execute what processors do") {
  JobSpec job = tiny_job(false);
  job.cluster.accelerator.is_cpu = false;
  job.model.qk_norm = true;
  job.model.experts = ExpertsSpec{.count = 4, .per_token = 1, .hidden = 8};
  job.parallelism.cp = 2;
  job.parallelism.dp = job.parallelism.ep = 2;
  job.parallelism.zero = 3;
  CHECK(what_the_runtime_lacks(job).empty());
}

TEST_CASE("products in 8 bits are executed on processors alone") {
  JobSpec job = tiny_job(false);
  job.training.precision = Precision::fp8;
  for (const Fp8Scaling scaling : {Fp8Scaling::delayed, Fp8Scaling::tensorwise, Fp8Scaling::rowwise}) {
    job.training.fp8_scaling = scaling;
    CHECK(what_the_runtime_lacks(job).empty());
  }
  SECTION("on GPUs") {
    job.cluster.accelerator.is_cpu = false;
    CHECK_THAT(complaint(job),
               ContainsSubstring("training.precision: products in 8 bits are executed on CPUs alone"));
  }
  SECTION("weights that are kept in them") {
    job.training.low_precision.parameter_gather = true;
    CHECK_THAT(complaint(job),
               ContainsSubstring("training.fp8_parameter_gather: weights that are kept in 8 bits"));
  }
  SECTION("attention") {
    job.training.low_precision.attention = AttentionPrecision::fp8;
    CHECK_THAT(complaint(job), ContainsSubstring("training.attention_precision: attention in fp8"));
  }
  SECTION("blocks that do not divide a matrix: 2 x 8 tokens, hidden 32, FFN 48") {
    job.training.precision = Precision::mxfp8;
    CHECK_THAT(complaint(job),
               ContainsSubstring("scales of 32 elements are executed where they divide every matrix"));
  }
  SECTION("more magnitudes on a stage than a chunk of layers has") {
    // 4 layers of 4 products on 2 stages: 5 of each product of 2 layers are planned, 40. Stage 0 with 4 layers has an
    // input, a weight and a gradient of each of 16 products: 48. (Stage 1 has none.)
    job.training.fp8_scaling = Fp8Scaling::delayed;
    job.model.layers = 4;
    job.parallelism.pp = 2;
    job.parallelism.stage_policy = StagePolicy::listed;
    job.parallelism.stage_layers = {4, 0};
    CHECK_THAT(complaint(job), ContainsSubstring("stage 0 keeps 48 magnitudes where 40 are planned"));
  }
}

TEST_CASE("states, losses and shards that are executed") {
  JobSpec job = tiny_job(false);
  job.training.precision = Precision::bf16;
  job.training.states = {.master = MasterWeights::bf16_stochastic, .moments = MomentType::bf16};
  job.training.loss = {.fused = true, .chunks = 4};
  job.training.recompute = Recompute::modules;
  job.training.recompute_modules = {RecomputeModule::mlp};
  job.training.recompute_layers = EveryNthLayer{2};
  job.parallelism.dp = 4;
  job.parallelism.zero = 3;
  job.parallelism.dp_shard = 2;
  job.training.reshard_after_forward = false;
  job.training.documents = DocumentsSpec{.lengths = {4.0}};
  for (const OptimizerKind optimizer : {OptimizerKind::adamw, OptimizerKind::lion, OptimizerKind::muon}) {
    job.training.optimizer = optimizer;
    CHECK(what_the_runtime_lacks(job).empty());
  }
  job.training.optimizer = OptimizerKind::adamw_8bit;
  job.training.states = {.master = MasterWeights::none, .moments = MomentType::int8};
  CHECK(what_the_runtime_lacks(job).empty());
}

TEST_CASE("what cannot be executed is named by its key, with what to say instead") {
  JobSpec job = tiny_job(false);
  SECTION("precision") {
    job.training.precision = Precision::fp16;
    CHECK_THAT(complaint(job), ContainsSubstring("training.precision: say bf16, fp32, fp8 or mxfp8"));
  }
  SECTION("validation after the update") {
    job.training.optimizer_post_validation = true;
    CHECK_THAT(complaint(job), ContainsSubstring("training.optimizer_post_validation"));
  }
  SECTION("experts") {
    job.model.experts = ExpertsSpec{.count = 4, .per_token = 1, .hidden = 8, .score_bias = true};
    CHECK_THAT(complaint(job), ContainsSubstring("model.experts.score_bias"));
  }
  SECTION("shared kv heads") {
    job.parallelism.tp = 8;
    CHECK_THAT(complaint(job), ContainsSubstring("parallelism.tp: 8 ranks would share 4 kv heads"));
  }
  SECTION("a sequence that does not cut evenly") {
    job.parallelism.cp = 3;
    CHECK_THAT(complaint(job), ContainsSubstring("its 8 tokens do not cut into 6"));
  }
  SECTION("sparse attention") {
    job.model.attention_options.indexer = Indexer{.heads = 2, .head_dim = 4, .top_k = 4};
    CHECK_THAT(complaint(job), ContainsSubstring("model: sparse attention is planned"));
  }
  SECTION("a kind of layers") {
    job.model.layer_kinds = {{.name = "plain", .mixer = usual_mixer(job.model)},
                             {.name = "linear", .mixer = Mamba2{}}};
    job.model.pattern = {0, 1};
    CHECK_THAT(complaint(job), ContainsSubstring("model.layer_kinds.linear: linear mixers are planned"));
  }
  SECTION("documents of several lengths") {
    job.training.documents = DocumentsSpec{.lengths = {2.0, 4.0}};
    CHECK_THAT(complaint(job), ContainsSubstring("training.documents: lengths that are drawn"));
    job.training.documents->drawn = false;
    CHECK(what_the_runtime_lacks(job).empty());
    job.training.documents->lengths.assign(33, 1.0);
    CHECK_THAT(complaint(job), ContainsSubstring("more than 32 lengths"));
  }
  SECTION("documents that do not divide the sequence") {
    job.training.documents = DocumentsSpec{.lengths = {3.0}};
    CHECK_THAT(complaint(job), ContainsSubstring("does not divide the sequence of 8 tokens"));
    job.training.documents->drawn = false;
    CHECK(what_the_runtime_lacks(job).empty());
  }
  SECTION("documents with learned positions") {
    job = tiny_job(true);
    job.training.documents = DocumentsSpec{.lengths = {4.0}};
    CHECK_THAT(complaint(job), ContainsSubstring("with learned positions packed documents"));
  }
  SECTION("documents with windows") {
    job.model.window = 4;
    job.training.documents = DocumentsSpec{.lengths = {4.0}};
    CHECK_THAT(complaint(job), ContainsSubstring("with windows or chunks of layers packed documents"));
  }
  SECTION("Adafactor") {
    job.training.optimizer = OptimizerKind::adafactor;
    CHECK_THAT(complaint(job), ContainsSubstring("training.optimizer: adafactor is planned, not executed"));
  }
  SECTION("moments in fp8") {
    job.training.states.moments = MomentType::fp8;
    CHECK_THAT(complaint(job), ContainsSubstring("training.states.moments: fp8 is planned, not executed"));
  }
  SECTION("8-bit moments of Lion") {
    job.training.optimizer = OptimizerKind::lion;
    job.training.states.moments = MomentType::int8;
    CHECK_THAT(complaint(job), ContainsSubstring("training.states.moments: int8 of lion"));
  }
  SECTION("8-bit moments of weights that are rounded at random") {
    job.training.states = {.master = MasterWeights::bf16_stochastic, .moments = MomentType::int8};
    CHECK_THAT(complaint(job), ContainsSubstring("training.states: int8 moments with bf16-stochastic"));
  }
  SECTION("a loss on gathered logits") {
    job.parallelism.tp = 2;
    job.training.loss.sharded = false;
    CHECK_THAT(complaint(job), ContainsSubstring("training.loss.sharded"));
  }
  SECTION("gathers that run ahead") {
    job.parallelism.dp = 2;
    job.parallelism.zero = 3;
    job.training.overlap.dp = true;
    CHECK_THAT(complaint(job), ContainsSubstring("training.overlap.dp: gathers of weights that run ahead"));
  }
}

TEST_CASE("all that cannot be executed is said at once") {
  JobSpec job = tiny_job(false);
  job.training.precision = Precision::fp16;
  job.training.attention = AttentionKind::unfused;
  job.parallelism.cp = 3;
  CHECK(what_the_runtime_lacks(job).size() == 3);
}

}  // namespace
}  // namespace foreshard::test
