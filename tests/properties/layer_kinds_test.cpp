// Laws of models whose layers are of several kinds, and what two kinds add up to by hand.
#include <string>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/json/program_json.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "tests/planner/report/written.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr int kJobs = 100;

/// All that is known of a job: its program and every figure.
std::string all_figures(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  return to_json(program) + estimate_json(std::vector<PlannedJob>{{job, estimate(job, program)}});
}

/// The kind that the model's keys describe.
LayerKind usual_kind(const ModelSpec& model, const std::string& name) {
  return {.name = name, .mixer = usual_mixer(model), .ffn = FeedForward::dense};
}

SoftmaxAttention& attention_of(LayerKind& kind) { return std::get<SoftmaxAttention>(kind.mixer); }

JobSpec job_from(const std::string& model, std::int64_t sequence) {
  return parse_jobs("model: " + model + "\ncluster: {accelerator: h100-80gb-sxm, nodes: 1}\n" +
                        "parallelism: {tp: 1}\ntraining: {sequence_length: " + std::to_string(sequence) +
                        ", global_batch: 8, micro_batch: 1}\n",
                    "job.yaml")
      .front();
}

}  // namespace

TEST_CASE("laws: a pattern of equal kinds equals one kind") {
  JobDraw draw(21);
  for (int i = 0; i < kJobs; ++i) {
    const JobSpec job = draw.next();
    INFO(words_for(job));
    JobSpec twins = job;
    twins.model.layer_kinds = {usual_kind(job.model, "a"), usual_kind(job.model, "b")};
    twins.model.pattern = {0, 1, 1};
    const bool is_equal = all_figures(twins) == all_figures(job);
    CHECK(is_equal);
  }
}

TEST_CASE("laws: a window of at least the sequence equals full attention") {
  JobDraw draw(22);
  for (int i = 0; i < kJobs; ++i) {
    const JobSpec job = draw.next();
    INFO(words_for(job));
    JobSpec windowed = job;
    windowed.model.layer_kinds = {usual_kind(job.model, "local"), usual_kind(job.model, "full")};
    attention_of(windowed.model.layer_kinds[0]).window = job.training.sequence_length + i % 3;
    windowed.model.pattern = {0, 1};
    const bool is_equal = all_figures(windowed) == all_figures(job);
    CHECK(is_equal);
  }
}

TEST_CASE("laws: dense first layers written as a pattern equal dense_layers") {
  const std::string rest =
      "layers: 8, hidden: 512, ffn_hidden: 1024, heads: 8, vocab: 1000, attention: {kind: mla, q_rank: 64, "
      "kv_rank: 64, nope_head_dim: 64, rope_head_dim: 32, v_head_dim: 64}, ";
  const std::string experts =
      "experts: {count: 16, per_token: 2, hidden: 256, shared_hidden: 256, score_bias: true";
  const std::string by_key = "{name: m, " + rest + experts + ", dense_layers: 3}}";
  const std::string by_pattern = "{name: m, " + rest + experts +
                                 "}, layer_kinds: {plain: {ffn: dense}, moe: {ffn: experts}}, "
                                 "pattern: [{plain: 3}, {moe: 5}]}";
  CHECK(all_figures(job_from(by_pattern, 256)) == all_figures(job_from(by_key, 256)));
}

TEST_CASE("two kinds of layers, by hand") {
  // D 8, V 32, four tokens. "narrow": 2 heads of 4 with one kv head, a window of 2, no FFN; "wide": 4 heads
  // of 2 with two kv heads, an FFN of 16.
  //   narrow: qkv (2 + 2)·4 × 8 = 128, out 8 × 8 = 64, norm 8: 200
  //   wide:   qkv (4 + 4)·2 × 8 = 128, out 64, FFN 3·8·16 = 384, norms 16: 592
  JobSpec job = golden_job();
  job.model.layers = 4;
  job.cluster = round_cluster(1, 1);
  job.parallelism = {};
  job.model.layer_kinds = {usual_kind(job.model, "narrow"), usual_kind(job.model, "wide")};
  attention_of(job.model.layer_kinds[0]) = {
      .heads = 2, .kv_heads = 1, .head_dim = 4, .window = 2, .rope = true};
  job.model.layer_kinds[0].ffn = FeedForward::none;
  job.model.pattern = {0, 1};
  const Estimate found = estimate(job);
  CHECK(found.parameters.total.value() == 2 * (200 + 592) + 2 * 32 * 8 + 8);
  CHECK(found.parameters.attention.value() == 4 * 192);
  CHECK(found.parameters.ffn.value() == 2 * 384);
  CHECK(found.parameters.norm.value() == 2 * 8 + 2 * 16 + 8);
  // Products with weights take 2 FLOPs per weight; cores 4·keys·D: all 4 keys, or 2·2 − 2²/4 = 3 where a
  // query sees two and half of the matrix is masked.
  const std::int64_t narrow = 2 * 192 + 4 * 3 * 8;
  const std::int64_t wide = 2 * (192 + 384) + 4 * 4 * 8;
  const std::int64_t forward = 2 * (narrow + wide) + 2 * 32 * 8;
  CHECK(found.flops_per_token.forward.value() == forward);
  CHECK(found.flops_per_token.training.value() == 3 * forward);
  REQUIRE(found.layer_kinds.size() == 2);
  CHECK(found.layer_kinds[0].layers == 2);
  CHECK(found.layer_kinds[0].attention.parameters.value() == 192);
  CHECK(found.layer_kinds[0].ffn.parameters.value() == 0);
  CHECK(found.layer_kinds[1].ffn.parameters.value() == 384);
  // The optimizer keeps three fp32 copies of every weight.
  CHECK(found.memory.stages.front().optimizer.value() == 12 * found.parameters.total.value());
}

TEST_CASE("layers without attention, by hand") {
  // "mix": attention alone, 192 + 8; "mlp": the FFN alone, 384 + 8.
  JobSpec job = golden_job();
  job.model.layers = 4;
  job.cluster = round_cluster(1, 1);
  job.parallelism = {};
  job.model.layer_kinds = {usual_kind(job.model, "mix"), usual_kind(job.model, "mlp")};
  job.model.layer_kinds[0].ffn = FeedForward::none;
  job.model.layer_kinds[1].mixer = NoMixer{};
  job.model.pattern = {0, 1};
  const Estimate found = estimate(job);
  CHECK(found.parameters.total.value() == 2 * (200 + 392) + 2 * 32 * 8 + 8);
  // Two half layers compute what one whole layer computes.
  JobSpec whole = golden_job();
  whole.cluster = job.cluster;
  whole.parallelism = {};
  CHECK(found.flops_per_token.training == estimate(whole).flops_per_token.training);
  CHECK(found.step.detail.gemms.value() == Approx(estimate(whole).step.detail.gemms.value()));
}

TEST_CASE("laws: programs with several kinds of layers are sound, and their shards add up") {
  JobDraw draw(23);
  for (int i = 0; i < kJobs; ++i) {
    JobSpec job = draw.next();
    ModelSpec& model = job.model;
    model.layer_kinds = {usual_kind(model, "plain"), usual_kind(model, "local"), usual_kind(model, "wide"),
                         usual_kind(model, "mix"), usual_kind(model, "mlp")};
    attention_of(model.layer_kinds[1]).window = 4;
    attention_of(model.layer_kinds[2]).heads *= 2;
    attention_of(model.layer_kinds[2]).qk_norm = !model.qk_norm;
    model.layer_kinds[3].ffn = FeedForward::none;
    model.layer_kinds[4].mixer = NoMixer{};
    const auto some = [&] { return draw.one_of<std::size_t>(0, 1, 2, 3, 4); };
    model.pattern = {some(), some(), some()};
    if (!find_illegalities(job).empty()) continue;
    INFO(words_for(job));
    CAPTURE(model.pattern);
    const StepProgram program = build_step_program(job);
    CHECK(check_program(program) == std::vector<std::string>{});
    CHECK(to_json(program_from_json(to_json(program))) == to_json(program));
    JobSpec alone = job;
    alone.parallelism = {};
    alone.training.schedule = ScheduleKind::one_f_one_b;
    alone.cluster = round_cluster(1, 1);
    const Estimate unsharded = estimate(alone);
    CHECK(estimate(job, program).parameters.total == unsharded.parameters.total);
    CHECK(estimate(job, program).flops_per_token.training == unsharded.flops_per_token.training);
  }
}

TEST_CASE("gpt-oss 20B at 131,072 tokens: windows in half of the layers halve the attention time") {
  const std::string file = std::string(FORESHARD_SOURCE_DIR) + "/tests/data/hugging_face/gpt-oss-20b.json";
  const JobSpec job = job_from(file, 131072);
  JobSpec full = job;
  full.model.layer_kinds.clear();
  full.model.pattern.clear();
  const Estimate windowed = estimate(job);
  const Estimate whole = estimate(full);
  // A window of 128 leaves 2·128 of 131,072 keys: 0.2% of the other layers' cores, a little more in time
  // for what is fixed.
  const double share = windowed.step.detail.attention_core / whole.step.detail.attention_core;
  CHECK(share > 0.5);
  CHECK(share < 0.51);
  CHECK(windowed.parameters.total == whole.parameters.total);
  // The weights, and so what the optimizer and the gradients' synchronisation do, are the same.
  CHECK(windowed.step.breakdown.optimizer.value() == Approx(whole.step.breakdown.optimizer.value()));
  CHECK(windowed.memory.stages.front().optimizer == whole.memory.stages.front().optimizer);
}
