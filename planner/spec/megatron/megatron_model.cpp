#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/core.h>

#include "planner/spec/megatron/megatron_parts.hpp"
#include "planner/units/count.hpp"

namespace foreshard::detail {

namespace {

/// Vocabularies of tokenizers that launch files name. Source: the tokenizers' files; those of models are the
/// vocab_size of the models' config.json.
struct TokenizerVocab {
  std::string_view name;  ///< of --tokenizer-type, or a part of --tokenizer-model
  std::int64_t vocab;
};
constexpr auto kTokenizers = std::to_array<TokenizerVocab>({
    {"GPT2BPETokenizer", 50257},
    {"BertWordPieceLowerCase", 30522},
    {"BertWordPieceCase", 28996},
    {"Llama2Tokenizer", 32000},
    {"Llama3Tokenizer", 128256},
    {"Meta-Llama-3", 128256},
    {"Llama-3", 128256},
    {"Llama-4", 202048},
    {"Llama-2", 32000},
    {"DeepSeek-V2", 102400},
    {"DeepSeek-V3", 129280},
    {"DeepSeek-R1", 129280},
    {"Qwen3", 151936},
    {"Qwen2.5", 152064},
    {"Mixtral", 32000},
    {"Mistral-7B-v0.1", 32000},
    {"Kimi-K2", 163840},
    {"Nemotron-3", 131072},
    {"Nemotron-H", 131072},
    {"gpt-oss", 201088},
});

void say_vocab(const FlagReader& flags, LaunchJob& job) {
  job.model.say("vocab_multiple", flags.whole_or("--make-vocab-size-divisible-by", 128),
                flags.place("--make-vocab-size-divisible-by"));
  const std::string type = flags.known_text("--tokenizer-type").value_or("");
  const std::string_view padded = "--padded-vocab-size";
  const std::string_view said = flags.has(padded) ? padded : "--vocab-size";
  if (const auto vocab = flags.whole(said)) {
    // A NullTokenizer adds one token that ends a document.
    const std::int64_t extra = type == "NullTokenizer" && said != padded ? 1 : 0;
    return job.model.say("vocab", *vocab + extra, flags.place(said));
  }
  if (flags.has(said) || flags.is_overridden("model.vocab")) return;
  for (const char* const flag : {"--tokenizer-type", "--tokenizer-model"}) {
    const std::string name = flags.known_text(flag).value_or("");
    for (const TokenizerVocab& tokenizer : kTokenizers) {
      if (name.find(tokenizer.name) == std::string::npos) continue;
      job.left_out.push_back(
          fmt::format("the vocabulary is taken to be that of {}: {} tokens", name, tokenizer.vocab));
      return job.model.say("vocab", tokenizer.vocab, flags.place(flag));
    }
  }
  // With files of GPT-2's vocabulary and no other tokenizer, Megatron-LM reads these.
  if (type.empty() && flags.has("--merge-file"))
    return job.model.say("vocab", std::int64_t{50257}, flags.place("--merge-file"));
  flags.complain_of_missing("--vocab-size",
                            "the tokenizer's file says how many tokens there are; "
                            "--set model.vocab=128256 says it here");
}

void say_ffn(const FlagReader& flags, LaunchJob& job, std::int64_t hidden) {
  const bool swiglu = flags.has("--swiglu");
  const bool geglu = flags.has("--quick-geglu");
  const char* const kind = swiglu                        ? "swiglu"
                           : geglu                       ? "geglu"
                           : flags.has("--squared-relu") ? "sqrelu"
                                                         : "gelu";
  job.model.say("ffn", kind, flags.place(flags.one_of({"--swiglu", "--quick-geglu", "--squared-relu"})));
  flags.knows({"--quick-geglu", "--squared-relu"});
  // Unsaid, four times the stream; gated, two thirds of that in steps of 64.
  const std::int64_t usual = swiglu ? checked_product(hidden, 8) / 3 / 64 * 64 : checked_product(hidden, 4);
  const auto said = flags.whole("--ffn-hidden-size");
  if (said || !flags.is_overridden("model.ffn_hidden"))
    job.model.say("ffn_hidden", said.value_or(usual), flags.place("--ffn-hidden-size"));
}

void say_norms_and_biases(const FlagReader& flags, LaunchJob& job) {
  const std::string norm = flags.text_or("--normalization", "LayerNorm");
  if (norm != "LayerNorm" && norm != "RMSNorm")
    flags.complain("--normalization", fmt::format("'{}' is unknown", norm), "known: LayerNorm, RMSNorm");
  job.model.say("norm", norm == "RMSNorm" ? "rmsnorm" : "layernorm", flags.place("--normalization"));
  const bool none = flags.has("--disable-bias-linear");
  const bool qkv = flags.has("--add-qkv-bias");
  job.model.say("biases", !none ? "all" : qkv ? "qkv" : "none", flags.place("--disable-bias-linear"));
}

void say_positions(const FlagReader& flags, LaunchJob& job, std::int64_t head_dim) {
  std::string type = flags.text_or("--position-embedding-type", "learned_absolute");
  if (flags.has("--use-rotary-position-embeddings")) type = "rope";
  const Place place = flags.place("--position-embedding-type");
  if (type == "rope" || type == "yarn" || type == "mrope") {
    job.model.say("positions", "rope", place);
  } else if (type == "none") {
    job.model.say("positions", "none", place);
  } else if (type == "learned_absolute") {
    job.model.say("positions", "learned", place);
    if (const auto most = flags.whole("--max-position-embeddings"))
      job.model.say("max_positions", *most, flags.place("--max-position-embeddings"));
  } else {
    flags.complain("--position-embedding-type", fmt::format("{} positions cannot be described", type),
                   "known: learned_absolute, rope, yarn, mrope, none");
  }
  flags.knows({"--max-position-embeddings", "--no-position-embedding"});
  const double share = flags.real_or("--rotary-percent", 1.0);
  if (share < 1.0 && head_dim > 0 && type != "learned_absolute") {
    LaunchMap attention;
    attention.say("kind", "softmax", flags.place("--rotary-percent"));
    attention.say("rotary_dim", static_cast<std::int64_t>(std::floor(share * static_cast<double>(head_dim))),
                  flags.place("--rotary-percent"));
    job.model.say_map("attention", attention, flags.place("--rotary-percent"));
  }
}

void say_latent_attention(const FlagReader& flags, LaunchJob& job) {
  const Place place = flags.place("--multi-latent-attention");
  LaunchMap latent;
  latent.say("kind", "mla", place);
  if (const auto rank = flags.whole("--q-lora-rank"))
    latent.say("q_rank", *rank, flags.place("--q-lora-rank"));
  latent.say("kv_rank", flags.whole_or("--kv-lora-rank", 32), flags.place("--kv-lora-rank"));
  latent.say("nope_head_dim", flags.whole_or("--qk-head-dim", 128), flags.place("--qk-head-dim"));
  latent.say("rope_head_dim", flags.whole_or("--qk-pos-emb-head-dim", 64),
             flags.place("--qk-pos-emb-head-dim"));
  latent.say("v_head_dim", flags.whole_or("--v-head-dim", 128), flags.place("--v-head-dim"));
  if (flags.has("--dsa-indexer-n-heads") || flags.text_or("--experimental-attention-variant", "") == "dsa") {
    LaunchMap indexer;
    indexer.say("heads", flags.whole_or("--dsa-indexer-n-heads", 64), flags.place("--dsa-indexer-n-heads"));
    indexer.say("head_dim", flags.whole_or("--dsa-indexer-head-dim", 128),
                flags.place("--dsa-indexer-head-dim"));
    indexer.say("top_k", flags.whole_or("--dsa-indexer-topk", 2048), flags.place("--dsa-indexer-topk"));
    latent.say_map("indexer", indexer, place);
  }
  job.model.say_map("attention", latent, place);
  // The latent rows always have norms here, as in DeepSeek.
  flags.knows({"--qk-layernorm", "--kv-channels", "--group-query-attention", "--num-query-groups"});
}

}  // namespace

void say_megatron_model(const FlagReader& flags, LaunchJob& job) {
  if (flags.has("--use-checkpoint-args"))
    flags.complain("--use-checkpoint-args", "the model's sizes are in the checkpoint, not in this file",
                   "--num-layers, --hidden-size and so on");
  const bool is_hybrid = flags.has("--hybrid-layer-pattern") || flags.has("--hybrid-override-pattern");
  for (const auto& [flag, key] : {std::pair{"--num-layers", "layers"}, std::pair{"--hidden-size", "hidden"},
                                  std::pair{"--num-attention-heads", "heads"}}) {
    if (const auto said = flags.whole(flag))
      job.model.say(key, *said, flags.place(flag));
    else if (!flags.has(flag) && !(is_hybrid && std::string_view(flag) == "--num-layers"))
      flags.complain_of_missing(flag);
  }
  const std::int64_t hidden = flags.whole_or("--hidden-size", 1);
  const std::int64_t heads = std::max<std::int64_t>(1, flags.whole_or("--num-attention-heads", 1));
  say_vocab(flags, job);
  say_ffn(flags, job, hidden);
  say_norms_and_biases(flags, job);
  job.model.say("tied_embeddings", !flags.has("--untie-embeddings-and-output-weights"),
                flags.place("--untie-embeddings-and-output-weights"));
  if (flags.has("--multi-latent-attention")) {
    say_latent_attention(flags, job);
    const std::string type = flags.text_or("--position-embedding-type", "rope");
    job.model.say("positions", type == "none" ? "none" : "rope", flags.place("--position-embedding-type"));
    flags.knows({"--max-position-embeddings", "--rotary-percent"});
  } else {
    const bool grouped = flags.has("--group-query-attention");
    if (grouped)
      job.model.say("kv_heads", flags.whole_or("--num-query-groups", 1), flags.place("--num-query-groups"));
    flags.knows({"--num-query-groups"});
    const auto head_dim = flags.whole("--kv-channels");
    if (head_dim) job.model.say("head_dim", *head_dim, flags.place("--kv-channels"));
    if (flags.has("--qk-layernorm")) job.model.say("qk_norm", true, flags.place("--qk-layernorm"));
    say_positions(flags, job, head_dim.value_or(hidden / heads));
  }
  say_megatron_layers(flags, job);
  if (flags.whole_or("--mtp-num-layers", 0) > 0) {
    LaunchMap mtp;
    mtp.say("layers", flags.whole_or("--mtp-num-layers", 0), flags.place("--mtp-num-layers"));
    job.model.say_map("mtp", mtp, flags.place("--mtp-num-layers"));
  }
}

}  // namespace foreshard::detail
