#include "planner/spec/hugging_face/hugging_face_keys.hpp"

#include <algorithm>
#include <array>

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace foreshard::detail {

namespace {

/// Keys that change neither weights nor products, whatever their values. A star stands for any text.
struct Irrelevant {
  std::string_view key;
  std::string_view reason;
};

constexpr std::string_view kText = "which tokens mean what";
constexpr std::string_view kGeneration = "how text is generated";
constexpr std::string_view kStart = "how weights start";
constexpr std::string_view kConstant = "a constant in an elementwise operation";
constexpr std::string_view kRotary = "angles of rotary positions: their work is the same";
constexpr std::string_view kLoading = "how the file or the model is loaded";
constexpr std::string_view kInference = "inference only";
constexpr std::string_view kDropout = "the job's training.dropout says whether a step runs dropout";
constexpr std::string_view kLoss = "the weight of a term of the loss";
constexpr std::string_view kPrecision = "the job's training.precision says in which format a step runs";
constexpr std::string_view kPositions = "positions are limited by the job's sequence length";
constexpr std::string_view kBookkeeping = "a name or a version";
constexpr std::string_view kParallel = "the job says how the model is sharded";
constexpr std::string_view kRouter = "how scores of experts are scaled or chosen: their work is the same";

constexpr auto kIrrelevant = std::to_array<Irrelevant>({
    {"_*", kBookkeeping},
    {"architectures", kBookkeeping},
    {"model_type", kBookkeeping},
    {"auto_map", kLoading},
    {"transformers_version", kBookkeeping},
    {"torchscript", kLoading},
    {"model_name", kBookkeeping},
    {"name_or_path", kBookkeeping},
    {"version", kBookkeeping},
    {"license", kBookkeeping},
    {"language", kBookkeeping},
    {"*_version", kBookkeeping},
    {"transformers.js_config", kLoading},
    {"unsloth_*", kBookkeeping},
    {"torch_dtype", kPrecision},
    {"dtype", kPrecision},
    {"use_bfloat16", kPrecision},
    {"fp32_residual_connection", kPrecision},
    {"residual_in_fp32", kPrecision},
    {"attention_softmax_in_fp32", kPrecision},
    {"apply_residual_connection_post_layernorm", "which stream is added to: the work is the same"},
    {"fp32_*", kPrecision},
    {"*_in_fp32", kPrecision},
    {"expert_dtype", kPrecision},
    {"moe_router_dtype", kPrecision},
    {"router_dtype", kPrecision},
    {"mamba_ssm_dtype", kPrecision},
    {"mamba_ssm_cache_dtype", kInference},
    {"bf16", kPrecision},
    {"fp16", kPrecision},
    {"fp32", kPrecision},
    {"*_token_id", kText},
    {"*_token_ids", kText},
    {"*_token_index", kText},
    {"*_tokens_id", kText},
    {"*_placeholder", kText},
    {"*token_type*", kText},
    {"tokenizer_class", kText},
    {"image_placeholder", kText},
    {"id2label", kText},
    {"label2id", kText},
    {"num_labels", kText},
    {"ignore_index", kText},
    {"prefix", kText},
    {"problem_type", kText},
    {"finetuning_task", kText},
    {"task_specific_params", kText},
    {"bad_words_ids", kGeneration},
    {"begin_suppress_tokens", kGeneration},
    {"suppress_tokens", kGeneration},
    {"diversity_penalty", kGeneration},
    {"do_sample", kGeneration},
    {"early_stopping", kGeneration},
    {"encoder_no_repeat_ngram_size", kGeneration},
    {"exponential_decay_length_penalty", kGeneration},
    {"length_penalty", kGeneration},
    {"max_length", kGeneration},
    {"min_length", kGeneration},
    {"max_new_tokens", kGeneration},
    {"no_repeat_ngram_size", kGeneration},
    {"num_beam_groups", kGeneration},
    {"num_beams", kGeneration},
    {"num_return_sequences", kGeneration},
    {"output_scores", kGeneration},
    {"remove_invalid_values", kGeneration},
    {"repetition_penalty", kGeneration},
    {"return_dict*", kGeneration},
    {"temperature", kGeneration},
    {"top_k", kGeneration},
    {"top_p", kGeneration},
    {"typical_p", kGeneration},
    {"generation_config", kGeneration},
    {"output_attentions", kGeneration},
    {"output_hidden_states", kGeneration},
    {"output_router_logits", kGeneration},
    {"output_past", kGeneration},
    {"cache_implementation", kInference},
    {"use_cache", kInference},
    {"use_cache_*", kInference},
    {"num_logits_to_keep", kInference},
    {"logits_to_keep", kInference},
    {"kv_cache_*", kInference},
    {"chunk_size_feed_forward", "cuts a feed-forward network in pieces to save memory, when told to"},
    {"use_mamba_kernels", kInference},
    {"use_kernels", kInference},
    {"use_flash_attn", "the job's training.attention says how attention is computed"},
    {"attn_implementation", "the job's training.attention says how attention is computed"},
    {"use_flash_attention*", "the job's training.attention says how attention is computed"},
    {"*_init_std", kStart},
    {"initializer_*", kStart},
    {"init_*", kStart},
    {"*_initializer_*", kStart},
    {"rescale_prenorm_residual", kStart},
    {"rescale_layers", kStart},
    {"scale_attn_by_inverse_layer_idx", kConstant},
    {"reorder_and_upcast_attn", kPrecision},
    {"time_step_floor", kStart},
    {"time_step_max", kStart},
    {"time_step_min", kStart},
    {"time_step_rank", kStart},
    {"time_step_limit", kConstant},
    {"summary_*", "a head for classification, which a language model has not"},
    {"classifier_dropout*", kDropout},
    {"*_eps", kConstant},
    {"*_epsilon", kConstant},
    {"eps", kConstant},
    {"*_softcap", kConstant},
    {"*_softcapping", kConstant},
    {"*soft_cap*", kConstant},
    {"logits_scaling", kConstant},
    {"logit_scale", kConstant},
    {"*_multiplier", kConstant},
    {"*_multipliers", kConstant},
    {"scale_emb", kConstant},
    {"scale_depth", kConstant},
    {"dim_model_base", kConstant},
    {"scale_attn_weights", kConstant},
    {"attention_scale", kConstant},
    {"attention_value_scale", kConstant},
    {"attn_scale", kConstant},
    {"floor_scale", kConstant},
    {"attn_temperature_tuning", kConstant},
    {"query_pre_attn_scalar", kConstant},
    {"clip_qkv", kConstant},
    {"swiglu_limit", kConstant},
    {"swiglu_limits*", kConstant},
    {"swiglu_alpha", kConstant},
    {"moe_swiglu_limit*", kConstant},
    {"use_gemma_norm", kConstant},
    {"zero_centered*", kConstant},
    {"rope_theta", kRotary},
    {"rope_scaling", kRotary},
    {"rope_parameters", kRotary},
    {"rope_interleave*", kRotary},
    {"rope_ratio", kRotary},
    {"rope_base", kRotary},
    {"rope_type", kRotary},
    {"rope_local_base_freq", kRotary},
    {"rope_percent", kRotary},
    {"original_rope", kRotary},
    {"indexer_rope_interleave", kRotary},
    {"mrope*", kRotary},
    {"use_mrope", kRotary},
    {"swa_rope_theta", kRotary},
    {"global_rope_theta", kRotary},
    {"local_rope_theta", kRotary},
    {"compress_rope_theta", kRotary},
    {"rotary_emb_base", kRotary},
    {"rotary_base", kRotary},
    {"rotary", kRotary},
    {"rotary_type", kRotary},
    {"yarn_*", kRotary},
    {"max_position_embeddings", kPositions},
    {"original_max_position_embeddings", kPositions},
    {"max_sequence_length", kPositions},
    {"max_seq_len*", kPositions},
    {"seq_length", kPositions},
    {"seq_len*", kPositions},
    {"model_max_length", kPositions},
    {"initial_context_length", kPositions},
    {"n_ctx", kPositions},
    {"*dropout*", kDropout},
    {"*_pdrop", kDropout},
    {"layerdrop", kDropout},
    {"*aux_loss*", kLoss},
    {"seq_aux", kLoss},
    {"*z_loss*", kLoss},
    {"mtp_loss_*", kLoss},
    {"tf_legacy_loss", kLoss},
    {"pretraining_tp", kParallel},
    {"ep_size", kParallel},
    {"*_tp_plan", kParallel},
    {"tp_size", kParallel},
    {"moe_shared_expert_overlap", kParallel},
    {"gradient_checkpointing*", "the job's training.recompute says what is recomputed"},
    {"hc_sinkhorn_iters", "iterations on a token's few mixing weights, in registers"},
    {"norm_topk_prob", kRouter},
    {"norm_expert_weight", kRouter},
    {"moe_renormalize", kRouter},
    {"moe_norm_*", kRouter},
    {"scoring_func", kRouter},
    {"score_function", kRouter},
    {"router_score_function", kRouter},
    {"moe_router_activation*", kRouter},
    {"moe_router_score_function", kRouter},
    {"*scaling_factor", kRouter},
    {"routed_scaling*", kRouter},
    {"need_fp32_gate", kPrecision},
    {"router_jitter*", kRouter},
    {"jitter_noise", kRouter},
    {"input_jitter_noise", kRouter},
    {"router_bias_*", kRouter},
    {"use_grouped_topk", kRouter},
    {"*aux_free*", kRouter},
    {"image_size", "of the vision part, which is not planned"},
    {"num_channels", "of the vision part, which is not planned"},
    {"vision_*", "of the vision part, which is not planned"},
    {"image_*", "of the vision part, which is not planned"},
    {"video_*", "of the vision part, which is not planned"},
    {"audio_*", "of the audio part, which is not planned"},
    {"mm_*", "of the part for other media, which is not planned"},
    {"*projector*", "of the part for other media, which is not planned"},
    {"quantization_config", "of the checkpoint: the model is planned as before it was quantised"},
    {"compression_config", "of the checkpoint: the model is planned as before it was quantised"},
});

/// Keys of every config of transformers. They are off in a language model, which need not be said.
constexpr auto kUsuallyOff = std::to_array<std::string_view>(
    {"add_cross_attention", "cross_attention_hidden_size", "is_decoder", "is_encoder_decoder", "pruned_heads",
     "tie_encoder_decoder", "n_shared_experts", "sliding_window", "quantization"});

bool matches(std::string_view pattern, std::string_view key) {
  const bool open_start = pattern.starts_with('*');
  const bool open_end = pattern.ends_with('*');
  const std::string_view word =
      pattern.substr(open_start ? 1 : 0, pattern.size() - (open_start ? 1 : 0) - (open_end ? 1 : 0));
  if (open_start && open_end) return key.find(word) != std::string_view::npos;
  if (open_start) return key.ends_with(word);
  if (open_end) return key.starts_with(word);
  return key == word;
}

/// True if a value switches nothing on: null, false, zero, an empty text, list or map.
bool switches_nothing_on(const YamlNode& value) {
  switch (value.kind) {
    case YamlNode::Kind::null: return true;
    case YamlNode::Kind::list: return value.items.empty();
    case YamlNode::Kind::map: return value.entries.empty();
    case YamlNode::Kind::scalar: break;
  }
  const bool is_zero = !value.in_quotes && value.text.find_first_not_of("-0.") == std::string::npos;
  return value.text.empty() || value.text == "false" || is_zero;
}

/// Calls `visit` with each entry of the map, and of the maps below it that were read, that nobody has read.
template <class Visit>
void visit_unread(const Translation& t, const Visit& visit) {
  const YamlNode& map = *t.config();
  for (const MapEntry& entry : map.entries) {
    const bool was_read = t.reading().used.contains({&map, entry.key});
    if (!was_read) {
      visit(entry);
    } else if (entry.value->kind == YamlNode::Kind::map) {
      visit_unread(t.of(entry.value), visit);
    } else if (entry.value->kind == YamlNode::Kind::list) {
      for (const NodePtr& item : entry.value->items) {
        if (item->kind == YamlNode::Kind::map) visit_unread(t.of(item), visit);
      }
    }
  }
}

}  // namespace

std::string_view irrelevance_of(std::string_view key) {
  const auto* const found =
      std::find_if(kIrrelevant.begin(), kIrrelevant.end(),
                   [&](const Irrelevant& irrelevant) { return matches(irrelevant.key, key); });
  return found == kIrrelevant.end() ? std::string_view{} : found->reason;
}

std::vector<std::string> unaccounted_keys(const Translation& t) {
  std::vector<std::string> keys;
  visit_unread(t, [&](const MapEntry& entry) {
    if (irrelevance_of(entry.key).empty() && !switches_nothing_on(*entry.value)) keys.push_back(entry.key);
  });
  return keys;
}

void account_for_keys(const Translation& t) {
  std::vector<std::string> off;
  std::vector<std::string> dropouts;
  visit_unread(t, [&](const MapEntry& entry) {
    const std::string_view reason = irrelevance_of(entry.key);
    if (reason == kDropout && !switches_nothing_on(*entry.value)) dropouts.push_back(entry.key);
    if (!reason.empty()) return;
    if (switches_nothing_on(*entry.value)) {
      if (std::find(kUsuallyOff.begin(), kUsuallyOff.end(), entry.key) == kUsuallyOff.end())
        off.push_back(entry.key);
      return;
    }
    t.reading().complaints->add(
        entry.key_place, entry.key, "foreshard has no notion of this key, which may change what a step does",
        "if it changes neither weights nor work, leave it out; else describe the model in YAML");
  });
  if (!dropouts.empty())
    t.note(fmt::format("rates of dropout ({}) are not read: training.dropout says whether a step runs it",
                       fmt::join(dropouts, ", ")));
  if (off.empty()) return;
  std::sort(off.begin(), off.end());
  off.erase(std::unique(off.begin(), off.end()), off.end());
  t.note(
      fmt::format("keys that are not known, and whose values switch nothing on: {}", fmt::join(off, ", ")));
}

}  // namespace foreshard::detail
