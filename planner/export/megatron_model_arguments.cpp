#include <algorithm>
#include <limits>
#include <optional>
#include <variant>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/export/megatron_arguments.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::detail {

namespace {

template <class T>
const T* mixer_of(const LayerKind& kind) {
  return std::get_if<T>(&kind.mixer);
}

/// The first softmax attention of the pattern: what the flags for all layers describe.
const SoftmaxAttention* usual_attention(const LayerPattern& pattern) {
  for (const LayerKind& kind : pattern.kinds) {
    if (const auto* attention = mixer_of<SoftmaxAttention>(kind)) return attention;
  }
  return nullptr;
}

template <class T>
const T* first_mixer(const LayerPattern& pattern) {
  for (const LayerKind& kind : pattern.kinds) {
    if (const auto* mixer = mixer_of<T>(kind)) return mixer;
  }
  return nullptr;
}

/// A Python list with 1 for each layer of which `is_on` is true.
template <class Predicate>
std::string layer_list(const LayerPattern& pattern, const Predicate& is_on) {
  std::vector<int> ones;
  for (const std::size_t kind : pattern.kind_of) ones.push_back(is_on(pattern.kinds[kind]) ? 1 : 0);
  return fmt::format("[{}]", fmt::join(ones, ","));
}

template <class Predicate>
std::size_t kinds_with(const LayerPattern& pattern, const Predicate& is_on) {
  return static_cast<std::size_t>(std::count_if(pattern.kinds.begin(), pattern.kinds.end(), is_on));
}

void say_vocabulary(const ModelSpec& model, ArgumentList& list) {
  // A NullTokenizer adds one token that ends a document.
  list.flag("--tokenizer-type", "NullTokenizer");
  list.flag("--vocab-size", model.vocab - 1);
  list.flag("--make-vocab-size-divisible-by", model.vocab_multiple);
  if (!model.tied_embeddings) list.flag("--untie-embeddings-and-output-weights");
}

void say_ffn(const ModelSpec& model, ArgumentList& list, Unsaid& unsaid) {
  list.flag("--ffn-hidden-size", model.ffn_hidden);
  switch (model.ffn) {
    case FfnKind::swiglu: list.flag("--swiglu"); break;
    case FfnKind::geglu: list.flag("--quick-geglu"); break;
    case FfnKind::sqrelu: list.flag("--squared-relu"); break;
    case FfnKind::gelu: break;
    case FfnKind::glu:
    case FfnKind::relu: unsaid.note(true, "model.ffn", std::string(word_of(model.ffn))); break;
  }
  list.flag("--normalization", model.norm == NormKind::rmsnorm ? "RMSNorm" : "LayerNorm");
  unsaid.note(model.norms_per_layer != 2, "model.norms_per_layer", fmt::format("{}", model.norms_per_layer));
  unsaid.note(model.parallel_residual && model.norms_per_layer == 2, "model.parallel_residual", "true");
  if (model.biases != Biases::all) list.flag("--disable-bias-linear");
  if (model.biases == Biases::qkv || model.biases == Biases::attention) list.flag("--add-qkv-bias");
  unsaid.note(model.biases == Biases::attention, "model.biases", "attention");
}

void say_positions(const JobSpec& job, const SoftmaxAttention* attention, ArgumentList& list,
                   Unsaid& unsaid) {
  const ModelSpec& model = job.model;
  const std::int64_t most = model.max_positions > 0 ? model.max_positions : job.training.sequence_length;
  list.flag("--max-position-embeddings", most);
  switch (model.positions) {
    case Positions::rope: list.flag("--position-embedding-type", "rope"); break;
    case Positions::learned: list.flag("--position-embedding-type", "learned_absolute"); break;
    case Positions::none: list.flag("--position-embedding-type", "none"); break;
    case Positions::alibi:
      list.flag("--position-embedding-type", "none");
      unsaid.note(true, "model.positions", "alibi");
      break;
  }
  if (attention != nullptr && attention->options.rotary_dim && model.positions == Positions::rope) {
    const double share =
        static_cast<double>(*attention->options.rotary_dim) / static_cast<double>(attention->head_dim);
    list.flag("--rotary-percent", fmt::format("{:.6g}", share));
  }
}

void say_softmax_attention(const SoftmaxAttention& attention, ArgumentList& list, Unsaid& unsaid) {
  if (attention.kv_heads != attention.heads) {
    list.flag("--group-query-attention");
    list.flag("--num-query-groups", attention.kv_heads);
  }
  list.flag("--kv-channels", attention.head_dim);
  if (attention.qk_norm) list.flag("--qk-layernorm");
  if (attention.sinks) list.flag("--softmax-type", "learnable");
  const AttentionOptions& options = attention.options;
  unsaid.note(options.v_head_dim.has_value(), "model.attention.v_head_dim",
              fmt::format("{}", attention.v_head_dim()));
  unsaid.note(options.chunk.has_value(), "model.attention.chunk",
              fmt::format("{}", options.chunk.value_or(0)));
  unsaid.note(options.gate != OutputGate::none, "model.attention.gate", std::string(word_of(options.gate)));
  unsaid.note(options.values_are_keys, "model.attention.values_are_keys", "true");
  unsaid.note(options.v_norm, "model.attention.v_norm", "true");
}

void say_latent_attention(const LatentAttention& latent, ArgumentList& list, Unsaid& unsaid) {
  list.flag("--multi-latent-attention");
  if (latent.sizes.q_rank > 0) list.flag("--q-lora-rank", latent.sizes.q_rank);
  list.flag("--kv-lora-rank", latent.sizes.kv_rank);
  list.flag("--qk-head-dim", latent.sizes.nope_head_dim);
  list.flag("--qk-pos-emb-head-dim", latent.sizes.rope_head_dim);
  list.flag("--v-head-dim", latent.sizes.v_head_dim);
  list.flag("--qk-layernorm");
  if (latent.indexer && latent.indexer->kind == IndexerKind::lightning) {
    list.flag("--experimental-attention-variant", "dsa");
    list.flag("--dsa-indexer-n-heads", latent.indexer->heads);
    list.flag("--dsa-indexer-head-dim", latent.indexer->head_dim);
    list.flag("--dsa-indexer-topk", latent.indexer->top_k);
  } else if (latent.indexer) {
    unsaid.note(true, "model.attention.indexer.kind", std::string(word_of(latent.indexer->kind)));
  }
  unsaid.note(latent.gate != OutputGate::none, "model.attention.gate", std::string(word_of(latent.gate)));
}

/// Windows and layers without rotary positions, which lists say by layer.
void say_attention_by_layer(const JobSpec& job, const LayerPattern& pattern, ArgumentList& list,
                            Unsaid& unsaid) {
  const auto has_window = [](const LayerKind& kind) { return window_of(kind.mixer).has_value(); };
  const auto first = std::find_if(pattern.kinds.begin(), pattern.kinds.end(), has_window);
  if (first != pattern.kinds.end()) {
    const std::int64_t window = *window_of(first->mixer);
    list.flag("--window-size", fmt::format("{},0", window - 1));
    if (kinds_with(pattern, has_window) < pattern.kinds.size())
      list.flag("--window-attn-skip-freq", layer_list(pattern, has_window));
    for (const LayerKind& kind : pattern.kinds)
      unsaid.note(has_window(kind) && *window_of(kind.mixer) != window, "model.layer_kinds." + kind.name,
                  fmt::format("a window of {}", *window_of(kind.mixer)));
  }
  const auto no_rope = [](const LayerKind& kind) {
    const auto* attention = mixer_of<SoftmaxAttention>(kind);
    return attention != nullptr && !attention->rope;
  };
  if (job.model.positions == Positions::rope && kinds_with(pattern, no_rope) > 0)
    list.flag("--no-rope-freq", layer_list(pattern, no_rope));
}

void say_linear_attention(const LayerPattern& pattern, ArgumentList& list, Unsaid& unsaid) {
  if (const auto* net = first_mixer<GatedDeltaNet>(pattern)) {
    list.flag("--experimental-attention-variant", "gated_delta_net");
    list.flag("--linear-attention-freq", layer_list(pattern, [](const LayerKind& kind) {
                return mixer_of<GatedDeltaNet>(kind) != nullptr;
              }));
    list.flag("--linear-num-key-heads", net->key_heads);
    list.flag("--linear-num-value-heads", net->value_heads);
    list.flag("--linear-key-head-dim", net->key_head_dim);
    list.flag("--linear-value-head-dim", net->value_head_dim);
    list.flag("--linear-conv-kernel-dim", net->conv_kernel);
  }
  unsaid.note(first_mixer<KimiDelta>(pattern) != nullptr, "model.layer_kinds", "mixer kimi-delta");
}

/// One letter per layer where every layer has either a mixer or a feed-forward network: M*-E; else none.
std::optional<std::string> hybrid_letters(const LayerPattern& pattern) {
  if (first_mixer<Mamba2>(pattern) == nullptr) return std::nullopt;
  std::string letters;
  for (const std::size_t index : pattern.kind_of) {
    const LayerKind& kind = pattern.kinds[index];
    if (has_mixer(kind) == has_ffn(kind)) return std::nullopt;
    letters += mixer_of<Mamba2>(kind) != nullptr  ? 'M'
               : has_mixer(kind)                  ? '*'
               : kind.ffn == FeedForward::experts ? 'E'
                                                  : '-';
  }
  return letters;
}

void say_mamba(const LayerPattern& pattern, ArgumentList& list, Unsaid& unsaid) {
  const auto* mamba = first_mixer<Mamba2>(pattern);
  if (mamba == nullptr) return;
  const std::optional<std::string> letters = hybrid_letters(pattern);
  if (letters) list.flag("--hybrid-layer-pattern", *letters);
  unsaid.note(!letters, "model.layer_kinds", "layers with both mamba2 and a feed-forward network");
  list.flag("--mamba-num-heads", mamba->heads);
  list.flag("--mamba-head-dim", mamba->head_dim);
  list.flag("--mamba-num-groups", mamba->groups);
  list.flag("--mamba-state-dim", mamba->state_dim);
}

void say_experts(const JobSpec& job, const LayerPattern& pattern, ArgumentList& list, Unsaid& unsaid) {
  if (!job.model.experts) return;
  const ExpertsSpec& experts = *job.model.experts;
  list.flag("--num-experts", experts.count);
  list.flag("--moe-router-topk", experts.per_token);
  list.flag("--moe-ffn-hidden-size", experts.hidden);
  if (experts.shared_hidden > 0) list.flag("--moe-shared-expert-intermediate-size", experts.shared_hidden);
  if (experts.shared_gate) list.flag("--moe-shared-expert-gate");
  if (experts.score_bias) list.flag("--moe-router-enable-expert-bias");
  if (experts.groups > 1) {
    list.flag("--moe-router-num-groups", experts.groups);
    list.flag("--moe-router-group-topk", experts.groups_per_token);
  }
  if (experts.latent) list.flag("--moe-latent-size", *experts.latent);
  const auto routed = [](const LayerKind& kind) { return kind.ffn == FeedForward::experts; };
  if (!hybrid_letters(pattern) && kinds_with(pattern, routed) < pattern.kinds.size())
    list.flag("--moe-layer-freq", layer_list(pattern, routed));
  const bool by_experts = experts.load_spread > 0.0 || !experts.loads.empty();
  unsaid.note(experts.imbalance != 1.0 || by_experts, "model.experts.imbalance",
              by_experts ? "by expert" : fmt::format("{:g}", experts.imbalance));
  unsaid.note(experts.own_norms, "model.experts.own_norms", "true");
}

}  // namespace

ArgumentList megatron_model_arguments(const JobSpec& job, Unsaid& unsaid) {
  const ModelSpec& model = job.model;
  // The pattern of the model's file: also windows that this job's sequences do not fill.
  const LayerPattern pattern = layer_pattern(model, std::numeric_limits<std::int64_t>::max());
  ArgumentList list;
  list.flag("--num-layers", model.layers);
  list.flag("--hidden-size", model.hidden);
  list.flag("--num-attention-heads", model.heads);
  say_ffn(model, list, unsaid);
  const SoftmaxAttention* const attention = usual_attention(pattern);
  if (const auto* latent = first_mixer<LatentAttention>(pattern))
    say_latent_attention(*latent, list, unsaid);
  else if (attention != nullptr)
    say_softmax_attention(*attention, list, unsaid);
  say_positions(job, attention, list, unsaid);
  say_attention_by_layer(job, pattern, list, unsaid);
  say_linear_attention(pattern, list, unsaid);
  say_mamba(pattern, list, unsaid);
  say_experts(job, pattern, list, unsaid);
  if (model.mtp) list.flag("--mtp-num-layers", model.mtp->modules);
  say_vocabulary(model, list);
  unsaid.note(first_mixer<CompressedAttention>(pattern) != nullptr, "model.attention", "kind compressed");
  unsaid.note(model.hyper_connections.has_value(), "model.hyper_connections",
              fmt::format("{} streams", model.streams()));
  unsaid.note(model.qk_norm_whole, "model.qk_norm_whole", "true");
  unsaid.note(!model.causal, "model.causal", "false");
  for (const LayerKind& kind : pattern.kinds)
    unsaid.note(kind.hash_routing, "model.layer_kinds." + kind.name, "routing hash");
  for (const LayerKind& kind : pattern.kinds)
    unsaid.note(kind.ffn_hidden.has_value(), "model.layer_kinds." + kind.name,
                fmt::format("ffn_hidden {}", kind.ffn_hidden.value_or(0)));
  return list;
}

}  // namespace foreshard::detail
