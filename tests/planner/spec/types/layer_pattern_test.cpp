#include "planner/spec/types/layer_pattern.hpp"

#include <string>
#include <vector>

#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

const std::string kRest =
    "\ncluster: dgx-h100\ntraining: {sequence_length: 4096, global_batch: 8, micro_batch: 1}\n";

/// The model of a job whose model has six layers and these further keys.
ModelSpec model_with(const std::string& keys) {
  const std::string text =
      "model:\n  layers: 6\n  hidden: 256\n  heads: 8\n  kv_heads: 4\n  vocab: 1000\n" + keys + kRest;
  return parse_jobs(text, "job.yaml").front().model;
}

std::string complaints_about_kinds(const std::string& keys) {
  try {
    model_with(keys);
  } catch (const SpecError& error) {
    return format_diagnostics(error.diagnostics());
  }
  return "";
}

std::vector<std::string> names_by_layer(const ModelSpec& model, std::int64_t sequence = 4096) {
  const LayerPattern pattern = layer_pattern(model, sequence);
  std::vector<std::string> names;
  for (std::int64_t layer = 0; layer < model.layers; ++layer) names.push_back(pattern.kind(layer).name);
  return names;
}

using Names = std::vector<std::string>;
const std::string kLocalAndFull =
    "  ffn_hidden: 512\n  layer_kinds: {local: {attention: {window: 128}}, full: {}}\n";

}  // namespace

TEST_CASE("a pattern of words is repeated over the layers") {
  CHECK(names_by_layer(model_with(kLocalAndFull + "  pattern: [local, full]\n")) ==
        Names{"local", "full", "local", "full", "local", "full"});
  // The last repetition may be cut short: Gemma 3 has 26 layers in periods of six.
  CHECK(names_by_layer(model_with(kLocalAndFull + "  pattern: [local, local, local, full]\n")) ==
        Names{"local", "local", "local", "full", "local", "local"});
  CHECK(names_by_layer(model_with(kLocalAndFull + "  pattern: [full, local, local, full, full, full]\n")) ==
        Names{"full", "local", "local", "full", "full", "full"});
}

TEST_CASE("a pattern of counts adds up to the layers") {
  CHECK(names_by_layer(model_with(kLocalAndFull + "  pattern: [{local: 2}, {full: 4}]\n")) ==
        Names{"local", "local", "full", "full", "full", "full"});
  CHECK_THAT(complaints_about_kinds(kLocalAndFull + "  pattern: [{local: 2}, {full: 3}]\n"),
             ContainsSubstring("job.yaml:9:12: error: model.pattern: it has 5 layers, the model 6"));
}

TEST_CASE("a kind is what the model's keys say, but for its own") {
  const ModelSpec model = model_with(
      "  qk_norm: true\n  window: 1024\n  ffn_hidden: 512\n  experts: {count: 4, per_token: 2, hidden: 64}\n"
      "  layer_kinds:\n"
      "    wide: {attention: {heads: 16, window: none, positions: none, qk_norm: false}, ffn: dense}\n"
      "    plain: {}\n"
      "    alone: {ffn: none}\n"
      "    mixerless: {mixer: none}\n"
      "  pattern: [wide, plain, alone, mixerless, plain, plain]\n");
  const LayerPattern pattern = layer_pattern(model, 4096);
  REQUIRE(pattern.kinds.size() == 4);
  const SoftmaxAttention wide{.heads = 16, .kv_heads = 4, .head_dim = 32, .rope = false};
  const SoftmaxAttention plain{
      .heads = 8, .kv_heads = 4, .head_dim = 32, .window = 1024, .rope = true, .qk_norm = true};
  CHECK(pattern.kinds[0].mixer == Mixer(wide));
  CHECK(pattern.kinds[0].ffn == FeedForward::dense);
  CHECK(pattern.kinds[1].mixer == Mixer(plain));
  CHECK(pattern.kinds[1].ffn == FeedForward::experts);
  CHECK(pattern.kinds[2].mixer == Mixer(plain));
  CHECK(pattern.kinds[2].ffn == FeedForward::none);
  CHECK(pattern.kinds[3].mixer == Mixer(NoMixer{}));
  CHECK(pattern.kinds[3].ffn == FeedForward::experts);
  CHECK(pattern.layers_of_kind == std::vector<std::int64_t>{1, 3, 1, 1});
}

TEST_CASE("kinds that do the same are one kind") {
  const ModelSpec twins = model_with(
      "  ffn_hidden: 512\n  layer_kinds: {a: {}, b: {attention: {heads: 8}}}\n  pattern: [a, b]\n");
  CHECK(layer_pattern(twins, 4096).kinds.size() == 1);
  // So are windows that no sequence of this length reaches.
  const ModelSpec windowed = model_with(kLocalAndFull + "  pattern: [local, full]\n");
  CHECK(layer_pattern(windowed, 128).kinds.size() == 1);
  CHECK(layer_pattern(windowed, 129).kinds.size() == 2);
}

TEST_CASE("without a pattern, dense layers come first and those with experts behind them") {
  const ModelSpec dense = model_with("  ffn_hidden: 512\n");
  CHECK(layer_pattern(dense, 4096).layers_of_kind == std::vector<std::int64_t>{6});
  const ModelSpec mixed =
      model_with("  ffn_hidden: 512\n  experts: {count: 4, per_token: 2, hidden: 64, dense_layers: 2}\n");
  CHECK(names_by_layer(mixed) == Names{"dense", "dense", "experts", "experts", "experts", "experts"});
}

TEST_CASE("kinds and patterns that mean nothing are refused with their place") {
  const auto says = [](const std::string& keys, const std::string& text) {
    CHECK_THAT(complaints_about_kinds(keys), ContainsSubstring(text));
  };
  const std::string ffn = "  ffn_hidden: 512\n";
  says(ffn + "  pattern: [a]\n", "job.yaml:8:12: error: model.pattern: there are no kinds of layers");
  says(ffn + "  layer_kinds: {a: {}}\n", "the key 'pattern' is missing");
  says(ffn + "  layer_kinds: 3\n  pattern: [a]\n", "model.layer_kinds: expected a map from kinds");
  says(ffn + "  layer_kinds: {local: {}}\n  pattern: [lokal]\n",
       "job.yaml:9:13: error: model.pattern[0]: no kind is called 'lokal'; did you mean 'local'?");
  says(ffn + "  layer_kinds: {a: {}}\n  pattern: []\n", "model.pattern: the list is empty");
  says(ffn + "  layer_kinds: {a: {}}\n  pattern: a\n", "model.pattern: expected a list, found 'a'");
  says(ffn + "  layer_kinds: {a: {}}\n  pattern: [[a]]\n",
       "model.pattern[0]: expected a kind or {kind: count}");
  says(ffn + "  layer_kinds: {a: {}}\n  pattern: [{a: 0}]\n", "model.pattern[0]: ");
  says(ffn + "  layer_kinds: {a: {}}\n  pattern: [a, a, a, a, a, a, a]\n", "it has 7 layers, the model 6");
  says(ffn + "  layer_kinds: {a: {}, b: {}}\n  pattern: [a]\n", "no layer is of the kind 'b'");
  says(ffn + "  layer_kinds: {a: {}, a: {}}\n  pattern: [a]\n",
       "model.layer_kinds.a: this kind is given twice");
  says(ffn + "  layer_kinds: {a b: {}}\n  pattern: [a b]\n", "this is no name for a kind of layer");
  says(ffn + "  layer_kinds: {a: {windows: 3}}\n  pattern: [a]\n",
       "model.layer_kinds.a: unknown key 'windows'");
  says(ffn + "  layer_kinds: {a: {attention: {window: 0}}}\n  pattern: [a]\n",
       "job.yaml:8:41: error: model.layer_kinds.a.attention.window: ");
  says(ffn + "  layer_kinds: {a: {attention: {heads: 6}}}\n  pattern: [a]\n",
       "4 kv heads do not divide 6 heads");
  says(ffn + "  layer_kinds: {a: {ffn: experts}}\n  pattern: [a]\n", "the model has no experts");
  says(ffn + "  layer_kinds: {a: {mixer: mla}}\n  pattern: [a]\n", "the model has no latent attention");
  says(ffn + "  layer_kinds: {a: {mixer: none, ffn: none}}\n  pattern: [a]\n", "does nothing");
  says(ffn + "  layer_kinds: {a: {mixer: none, attention: {window: 3}}}\n  pattern: [a]\n",
       "a layer without mixer has no attention");
  says("  layer_kinds: {a: {}}\n  pattern: [a]\n", "the key 'ffn_hidden' is missing");
  const std::string experts = "  experts: {count: 4, per_token: 2, hidden: 64, dense_layers: 1}\n";
  says(ffn + experts + "  layer_kinds: {a: {}}\n  pattern: [a]\n", "dense_layers and pattern both say");
  says(ffn +
           "  experts: {count: 4, per_token: 2, hidden: 64}\n  layer_kinds: {a: {ffn: dense}}\n  pattern: "
           "[a]\n",
       "no kind of layer has experts");
}

namespace {

/// A model with experts and one mixer of each kind; `keys` are its further keys.
const std::string kEveryMixer =
    "  ffn_hidden: 512\n"
    "  experts: {count: 4, per_token: 2, hidden: 64}\n"
    "  layer_kinds:\n"
    "    m: {mamba2: {heads: 8, head_dim: 16, groups: 2, state_dim: 32}, ffn: none}\n"
    "    g: {gated-delta-net: {key_heads: 2, value_heads: 4, key_head_dim: 8, value_head_dim: 16}}\n"
    "    k: {mixer: kimi-delta, kimi-delta: {heads: 4, head_dim: 16, gate_rank: 0}, ffn: dense, ffn_hidden: "
    "256}\n"
    "    s: {attention: {indexer: {heads: 2, head_dim: 16, top_k: 64}, gate: headwise, rotary_dim: 16}}\n"
    "    t: {attention: {chunk: 128, v_head_dim: 8}}\n"
    "  pattern: [m, g, k, s, t]\n";

}  // namespace

TEST_CASE("a kind's mixer is the one that it describes") {
  const ModelSpec model = model_with(kEveryMixer);
  const auto mixer = [&](std::size_t i) -> const Mixer& { return model.layer_kinds[i].mixer; };
  CHECK(mixer(0) == Mixer(Mamba2{.heads = 8, .head_dim = 16, .groups = 2, .state_dim = 32}));
  CHECK(mixer(1) ==
        Mixer(GatedDeltaNet{.key_heads = 2, .value_heads = 4, .key_head_dim = 8, .value_head_dim = 16}));
  CHECK(mixer(2) == Mixer(KimiDelta{.heads = 4, .head_dim = 16, .decay_rank = 16, .gate_rank = 0}));
  CHECK(model.layer_kinds[2].ffn_hidden == 256);
  CHECK(mixer_kind(mixer(3)) == MixerKind::sparse_attention);
  CHECK(indexer_of(mixer(3)) == Indexer{.heads = 2, .head_dim = 16, .top_k = 64});
  const auto& gated = std::get<SoftmaxAttention>(mixer(3));
  CHECK(gated.options.gate == OutputGate::headwise);
  CHECK(gated.options.rotary_dim == 16);
  CHECK(gated.v_head_dim() == 32);  // hidden 256 / heads 8
  const auto& chunked = std::get<SoftmaxAttention>(mixer(4));
  CHECK(chunked.v_head_dim() == 8);
  CHECK(chunk_of(chunked) == 128);
}

TEST_CASE("a chunk as long as the sequence is none") {
  const std::string keys =
      "  ffn_hidden: 512\n  layer_kinds: {chunked: {attention: {chunk: 1024}}, full: {}}\n  pattern: "
      "[chunked, full]\n";
  CHECK(layer_pattern(model_with(keys), 4096).kinds.size() == 2);
  CHECK(layer_pattern(model_with(keys), 1024).kinds.size() == 1);
}

TEST_CASE("latent attention may have an indexer, whose choice other layers share") {
  const std::string keys =
      "  ffn_hidden: 512\n"
      "  attention: {kind: mla, kv_rank: 32, nope_head_dim: 16, rope_head_dim: 16, v_head_dim: 32, "
      "indexer: {heads: 4, head_dim: 32, top_k: 64}}\n"
      "  layer_kinds: {own: {}, reuse: {attention: {indexer: shared}}, all: {attention: {indexer: none}}}\n"
      "  pattern: [own, reuse, all]\n";
  const ModelSpec model = model_with(keys);
  CHECK(indexer_of(model.layer_kinds[0].mixer) == Indexer{.heads = 4, .head_dim = 32, .top_k = 64});
  CHECK(indexer_of(model.layer_kinds[1].mixer)->is_shared);
  CHECK(mixer_kind(model.layer_kinds[2].mixer) == MixerKind::mla);
}

TEST_CASE("mixers that mean nothing are refused with their place") {
  const auto says = [](const std::string& kind, const std::string& text) {
    CHECK_THAT(
        complaints_about_kinds("  ffn_hidden: 512\n  layer_kinds: {a: {" + kind + "}}\n  pattern: [a]\n"),
        ContainsSubstring(text));
  };
  says("mixer: mamba2", "the key 'mamba2' is missing");
  says("mixer: mamba", "did you mean 'mamba2'?");
  says("mamba2: {heads: 6, head_dim: 16, groups: 4, state_dim: 32}", "6 is not a multiple of 4 groups");
  says("mixer: attention, mamba2: {heads: 6, head_dim: 16, state_dim: 32}",
       "model.layer_kinds.a.mamba2: the mixer of this kind is attention");
  says("attention: {window: 8}, kimi-delta: {heads: 6, head_dim: 16}",
       "a layer whose mixer is kimi-delta has no attention");
  says("gated-delta-net: {key_heads: 4, value_heads: 6, key_head_dim: 16, value_head_dim: 16}",
       "6 is not a multiple of 4 key_heads");
  says("mixer: sparse-attention", "sparse attention needs an indexer");
  says("attention: {indexer: shared}", "the model has no indexer whose choice could be shared");
  says("attention: {indexer: {heads: 2, head_dim: 8, top_k: 100, block: 64}}",
       "100 is not a multiple of 64 tokens of a block");
  says("ffn: none, ffn_hidden: 64", "this kind has no dense feed-forward network");
}

TEST_CASE("experts' groups and further keys are checked") {
  const auto says = [](const std::string& keys, const std::string& text) {
    CHECK_THAT(complaints_about_kinds("  experts: {count: 8, per_token: 4, hidden: 64, " + keys + "}\n"),
               ContainsSubstring(text));
  };
  says("groups: 3", "model.experts.groups: 3 does not divide 8 experts");
  says("groups: 4, groups_per_token: 5", "5 of only 4 groups");
  says("groups: 8, groups_per_token: 2", "2 groups of 1 experts have fewer than the 4 of a token");
  says("shared_gate: true", "there are no shared experts");
  const ModelSpec model = model_with(
      "  experts: {count: 8, per_token: 4, hidden: 64, shared_hidden: 32, latent: 128, shared_gate: true}\n");
  CHECK(model.experts->latent == 128);
  CHECK(model.experts->shared_gate);
}
