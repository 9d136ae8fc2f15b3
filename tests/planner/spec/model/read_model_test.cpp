#include "planner/spec/model/read_model.hpp"

#include "planner/spec/load/load.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// The model of a file m.yaml with this text.
ModelSpec model_of(const std::string& text) {
  Complaints complaints;
  Library library(complaints);
  const auto documents = parse_yaml(make_source("m.yaml", {}, text), text, complaints);
  const ModelSpec model = read_model(documents.front(), documents.front()->place, "", library);
  complaints.throw_if_any();
  return model;
}

}  // namespace

TEST_CASE("LLaMA's rule gives the published widths") {
  // int(8/3 · hidden), rounded up to a multiple of 256.
  CHECK(llama_ffn_hidden(4096, 256, 1.0) == 11008);
  CHECK(llama_ffn_hidden(5120, 256, 1.0) == 13824);
  CHECK(llama_ffn_hidden(6656, 256, 1.0) == 17920);
  CHECK(llama_ffn_hidden(8192, 256, 1.0) == 22016);
  // Llama 2 70B: 21845 · 1.3 = 28398.5 → 28398 → 7 · 4096; Llama 3 8B: 10922 · 1.3 = 14198.6 → 14 · 1024.
  CHECK(llama_ffn_hidden(8192, 4096, 1.3) == 28672);
  CHECK(llama_ffn_hidden(4096, 1024, 1.3) == 14336);
}

TEST_CASE("what a model leaves unsaid is Llama's choice") {
  const ModelSpec model = model_of("{layers: 2, hidden: 1024, ffn_hidden: 4096, heads: 16, vocab: 32000}");
  CHECK(model.kv_heads == 16);
  CHECK(model.head_dim == 64);
  CHECK(model.ffn == FfnKind::swiglu);
  CHECK(model.norm == NormKind::rmsnorm);
  CHECK(model.norms_per_layer == 2);
  CHECK(model.biases == Biases::none);
  CHECK(model.positions == Positions::rope);
  CHECK(model.causal);
  CHECK_FALSE(model.tied_embeddings);
  CHECK_FALSE(model.qk_norm);
  CHECK(model.vocab_multiple == 128);
  CHECK_FALSE(model.window.has_value());
  CHECK_FALSE(model.mla.has_value());
  CHECK_FALSE(model.experts.has_value());
}

TEST_CASE("every key of a model is read") {
  const ModelSpec model = model_of(
      "{name: Odd, layers: 2, hidden: 1000, ffn_hidden: {multiple_of: 100, multiplier: 0.5}, ffn: sqrelu, "
      "heads: 6,"
      " kv_heads: 3, head_dim: 64, vocab: 100, vocab_multiple: 8, tied_embeddings: true, norm: layernorm,"
      " norms_per_layer: 4, biases: qkv, qk_norm: true, positions: learned, max_positions: 2048, causal: "
      "false,"
      " window: 512, source: here, notes: none}");
  CHECK(model.name == "Odd");
  CHECK(model.ffn_hidden == 1400);  // int(8000/3) = 2666; · 0.5 = 1333; up to 1400
  CHECK(model.ffn == FfnKind::sqrelu);
  CHECK(model.kv_heads == 3);
  CHECK(model.head_dim == 64);
  CHECK(model.vocab_multiple == 8);
  CHECK(model.tied_embeddings);
  CHECK(model.norm == NormKind::layernorm);
  CHECK(model.norms_per_layer == 4);
  CHECK(model.biases == Biases::qkv);
  CHECK(model.qk_norm);
  CHECK(model.positions == Positions::learned);
  CHECK(model.max_positions == 2048);
  CHECK_FALSE(model.causal);
  CHECK(model.window == 512);
}

TEST_CASE("latent attention and experts are read") {
  const ModelSpec model = model_of(
      "{layers: 4, hidden: 1000, heads: 3, vocab: 100,"
      " attention: {kind: mla, kv_rank: 512, nope_head_dim: 128, rope_head_dim: 64, v_head_dim: 96},"
      " experts: {count: 64, per_token: 6, hidden: 1536, shared_hidden: 3072, imbalance: 1.25}}");
  REQUIRE(model.mla.has_value());
  CHECK(model.mla->q_rank == 0);
  CHECK(model.mla->kv_rank == 512);
  CHECK(model.mla->v_head_dim == 96);
  CHECK(model.head_dim == 192);  // hidden / heads is no whole number and is not asked for
  REQUIRE(model.experts.has_value());
  CHECK(model.experts->count == 64);
  CHECK(model.experts->per_token == 6);
  CHECK(model.experts->shared_hidden == 3072);
  CHECK(model.experts->dense_layers == 0);
  CHECK(model.experts->imbalance == 1.25);
  CHECK(model.ffn_hidden == 1536);  // no layer has another feed-forward network
  CHECK(model.name == "m");         // the file's
}

TEST_CASE("an imbalance by layer makes a kind of layers of each load") {
  const auto experts = [](const std::string& imbalance) {
    return model_of(
        "{layers: 5, hidden: 8, ffn_hidden: 8, heads: 2, vocab: 16,"
        " experts: {count: 4, per_token: 1, hidden: 8, dense_layers: 1, imbalance: " +
        imbalance + "}}");
  };
  const ModelSpec model = experts("[1, 3, 1, 3]");
  CHECK(model.experts->imbalance == 2.0);
  CHECK(largest_imbalance(model, 4) == 3.0);
  REQUIRE(model.layer_kinds.size() == 3);
  CHECK(model.layer_kinds[0].ffn == FeedForward::dense);
  CHECK(model.layer_kinds[1].expert_load == 0.5);  // 1 of 2
  CHECK(model.layer_kinds[2].expert_load == 1.5);  // 3 of 2
  CHECK(model.pattern == std::vector<std::size_t>{0, 1, 2, 1, 2});
  // Equal numbers are the same as one.
  CHECK(experts("[3, 3, 3, 3]").experts->imbalance == 3.0);
  CHECK(experts("[3, 3, 3, 3]").layer_kinds.empty());
}

TEST_CASE("an imbalance may say how experts differ") {
  const auto experts = [](const std::string& imbalance) {
    return model_of(
               "{layers: 5, hidden: 8, heads: 2, vocab: 16, experts: {count: 4, per_token: 1, hidden: 8, "
               "imbalance: " +
               imbalance + "}}")
        .experts.value();
  };
  CHECK(experts("{spread: 0.25}").load_spread == 0.25);
  CHECK(experts("{spread: 0.25}").imbalance == 1.0);
  CHECK(experts("{experts: [1, 2, 0, 1]}").loads == std::vector<double>{1, 2, 0, 1});
  // Two ranks of two experts each: rank 0 has 3 of 4, 1.5 for each of its experts.
  CHECK(experts("{ranks: [3, 1]}").loads == std::vector<double>{1.5, 1.5, 0.5, 0.5});
  CHECK_THROWS_WITH(experts("{ranks: [1, 2, 3]}"), ContainsSubstring("3 loads, and 4 experts do not divide"));
  CHECK_THROWS_WITH(experts("{experts: [1, 2]}"), ContainsSubstring("2 loads of 4 experts"));
  CHECK_THROWS_WITH(experts("{experts: [0, 0, 0, 0]}"), ContainsSubstring("no expert has a load"));
  CHECK_THROWS_WITH(experts("{spread: 1, experts: [1, 1, 1, 1]}"),
                    ContainsSubstring("in several ways, or in none"));
}

TEST_CASE("sinks, whole norms, biases of attention and score biases are read") {
  const ModelSpec model = model_of(
      "{layers: 2, hidden: 1024, heads: 16, vocab: 32000, biases: attention, qk_norm: true, qk_norm_whole: "
      "true, "
      "attention_sinks: true, experts: {count: 8, per_token: 2, hidden: 512, score_bias: true}}");
  CHECK(model.biases == Biases::attention);
  CHECK(model.qk_norm_whole);
  CHECK(model.attention_sinks);
  CHECK(model.experts->score_bias);
  CHECK_THROWS_WITH(
      model_of("{layers: 2, hidden: 1024, ffn_hidden: 512, heads: 16, vocab: 32000, qk_norm_whole: true}"),
      ContainsSubstring("there are no norms of queries and keys"));
}

TEST_CASE("attention and FFN run in parallel if the model says so, or has one norm for both") {
  const std::string sizes = "layers: 2, hidden: 1024, ffn_hidden: 512, heads: 16, vocab: 32000";
  CHECK_FALSE(model_of("{" + sizes + "}").parallel_residual);
  CHECK(model_of("{" + sizes + ", norms_per_layer: 1}").parallel_residual);
  const ModelSpec two_norms = model_of("{" + sizes + ", parallel_residual: true}");
  CHECK(two_norms.parallel_residual);
  CHECK(two_norms.norms_per_layer == 2);
  CHECK_THROWS_WITH(model_of("{" + sizes + ", norms_per_layer: 4, parallel_residual: true}"),
                    ContainsSubstring("a layer with four norms runs its FFN after attention"));
}

TEST_CASE("a bundled model's name with other keys is that model, changed") {
  const ModelSpec base = load_model("llama3-8b");
  const ModelSpec changed = model_of("{name: llama3-8b, layers: 4, window: 512}");
  CHECK(changed.name == base.name);
  CHECK(changed.layers == 4);
  CHECK(changed.window == 512);
  CHECK(changed.hidden == base.hidden);
  CHECK(changed.kv_heads == base.kv_heads);
  CHECK(changed.vocab == base.vocab);
  CHECK(model_of("{name: llama3-8b}").layers == base.layers);
  // Maps below are merged key by key.
  const ModelSpec uneven = model_of("{name: mixtral-8x7b, experts: {imbalance: 1.5}}");
  CHECK(uneven.experts->imbalance == 1.5);
  CHECK(uneven.experts->count == load_model("mixtral-8x7b").experts->count);
}

TEST_CASE("any other name is no more than a name") {
  CHECK(
      model_of("{name: llama3-9b, layers: 2, hidden: 64, ffn_hidden: 256, heads: 4, vocab: 100}").kv_heads ==
      4);
  CHECK_THROWS_WITH(model_of("{name: llama3-9b, layers: 4}"),
                    ContainsSubstring("the key 'hidden' is missing"));
}
