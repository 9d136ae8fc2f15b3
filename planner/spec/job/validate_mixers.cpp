#include <algorithm>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "planner/spec/job/validate_parts.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard::detail {
namespace {

/// The head counts of a linear mixer: what tensor parallelism cuts.
struct LinearHeads {
  std::int64_t heads = 0;
  std::int64_t key_heads = 0;
  const char* key_word = "key heads";
};

std::optional<LinearHeads> linear_heads(const Mixer& mixer) {
  if (const auto* mamba = std::get_if<Mamba2>(&mixer))
    return LinearHeads{mamba->heads, mamba->groups, "groups"};
  if (const auto* net = std::get_if<GatedDeltaNet>(&mixer))
    return LinearHeads{net->value_heads, net->key_heads};
  if (const auto* kimi = std::get_if<KimiDelta>(&mixer)) return LinearHeads{kimi->heads, kimi->heads};
  return std::nullopt;
}

/// The rules of one kind of layer.
class KindRules {
 public:
  KindRules(const JobSpec& job, const LayerKind& kind, std::vector<Illegality>& findings)
      : job_(job), kind_(kind), findings_(findings) {}

  void check() {
    if (linear_heads(kind_.mixer)) check_linear();
    if (const auto* softmax = std::get_if<SoftmaxAttention>(&kind_.mixer)) check_softmax(*softmax);
    if (const auto* compressed = std::get_if<CompressedAttention>(&kind_.mixer))
      check_compressed(*compressed);
    else if (indexer_of(kind_.mixer))
      check_sparse();
  }

 private:
  void refuse(bool is_wrong, std::string path, std::string message, std::string allowed = "") {
    if (is_wrong) findings_.push_back({std::move(path), std::move(message), std::move(allowed)});
  }

  void check_linear() {
    const ParallelismSpec& p = job_.parallelism;
    const std::string_view word = word_of(mixer_kind(kind_.mixer));
    refuse(!job_.model.causal, "model.causal", fmt::format("{} sees earlier tokens only", word),
           "allowed here: true");
    if (p.cp > 1) check_linear_over_cp(*linear_heads(kind_.mixer), word);
  }

  /// Heads of a tp rank are distributed over cp. A group of Mamba-2 may go to several cp ranks, a key head of a delta
  /// rule goes to one. Source: Megatron-LM, megatron/core/ssm/mamba_context_parallel.py and gated_delta_net.py.
  void check_linear_over_cp(const LinearHeads& linear, std::string_view word) {
    const ParallelismSpec& p = job_.parallelism;
    if (linear.key_heads % p.tp != 0) return;  // tp is wrong already
    const std::int64_t groups = linear.key_heads / p.tp;
    const bool shares_groups = mixer_kind(kind_.mixer) == MixerKind::mamba2 && groups < p.cp;
    const bool divides = shares_groups ? p.cp % groups == 0 : groups % p.cp == 0;
    refuse(linear.heads % (p.tp * p.cp) != 0, "parallelism.cp",
           fmt::format("each of tp {} × cp {} ranks gets whole heads, and {} has {}", p.tp, p.cp, word,
                       linear.heads),
           "allowed here: degrees whose product divides the heads");
    refuse(!divides, "parallelism.cp",
           fmt::format("the {} {} of {} on a tp rank do not go evenly to {} cp ranks", groups,
                       linear.key_word, word, p.cp),
           shares_groups ? "allowed here: multiples of the groups, or their divisors"
                         : "allowed here: divisors of their number");
  }

  void check_softmax(const SoftmaxAttention& attention) {
    const AttentionOptions& options = attention.options;
    const std::string path = "model.attention";
    refuse(options.rotary_dim && (*options.rotary_dim > attention.head_dim || *options.rotary_dim % 2 != 0),
           path + ".rotary_dim",
           fmt::format("{} of {} elements of a head cannot be rotated in pairs",
                       options.rotary_dim.value_or(0), attention.head_dim),
           fmt::format("allowed here: even numbers up to {}", attention.head_dim));
    const bool needs_norm = options.values_are_keys || options.v_norm;
    refuse(needs_norm && (!attention.qk_norm || job_.model.qk_norm_whole), path,
           "values_are_keys and v_norm are planned with norms of each query and key head only",
           "qk_norm: true");
    refuse(needs_norm && attention.v_head_dim() != attention.head_dim, path + ".v_head_dim",
           "with values_are_keys or v_norm, values are as wide as keys",
           fmt::format("allowed here: {}", attention.head_dim));
    const bool is_flash = job_.training.attention == AttentionKind::flash;
    refuse(!is_flash && (options.chunk || options.values_are_keys), "training.attention",
           "chunks and values that are keys are planned with flash attention only by this version",
           "allowed here: flash");
  }

  void check_sparse() {
    const ParallelismSpec& p = job_.parallelism;
    refuse(job_.training.attention != AttentionKind::flash, "training.attention",
           "sparse attention is planned with flash attention only by this version", "allowed here: flash");
    refuse(p.cp > 1 && p.cp_style == CpStyle::ulysses, "parallelism.cp_style",
           "ulysses with sparse attention is not planned by this version", "allowed here: ring, all-gather");
    const auto* latent = std::get_if<LatentAttention>(&kind_.mixer);
    refuse(latent != nullptr && latent->heads / p.tp < 2, "parallelism.tp",
           "sparse latent attention is planned with two heads a rank and more",
           fmt::format("allowed here: at most {}", latent != nullptr ? latent->heads / 2 : 0));
  }

  /// Sources: Megatron-LM, deepseek_v4_hybrid_attention.py; what it does not run, nobody trains.
  void check_compressed(const CompressedAttention& attention) {
    const TrainingSpec& training = job_.training;
    const std::int64_t tokens = attention.compression;
    refuse(training.attention != AttentionKind::flash, "training.attention",
           "attention over compressed keys gathers them by number, in flash kernels only",
           "allowed here: flash");
    const ParallelismSpec& p = job_.parallelism;
    refuse(p.cp > 1 && p.cp_style == CpStyle::ulysses, "parallelism.cp_style",
           "ulysses needs a head of keys for each rank, and compressed keys are one head",
           "allowed here: ring, all-gather");
    const std::int64_t window = attention.window.value_or(training.sequence_length);
    refuse(
        p.cp > 1 && window > training.sequence_length / p.cp, "parallelism.cp",
        fmt::format(
            "a rank's {} tokens are fewer than the window of {}, of which its neighbour alone sends the rest",
            training.sequence_length / p.cp, window),
        fmt::format("allowed here: at most {}",
                    std::max<std::int64_t>(1, training.sequence_length / window)));
    refuse(tokens > 0 && training.sequence_length % (tokens * p.cp) != 0, "training.sequence_length",
           fmt::format("{} tokens do not divide into compressed keys of {} tokens each{}",
                       training.sequence_length, tokens, p.cp > 1 ? " on every cp rank" : ""),
           fmt::format("allowed here: multiples of {}", tokens * p.cp));
    refuse(training.documents && training.documents->packed, "training.documents",
           "packed documents are not planned with attention over compressed keys by this version",
           "allowed here: packed: false");
    const std::vector<RecomputeModule>& again = training.recompute_modules;
    refuse(training.recompute == Recompute::selective ||
               std::find(again.begin(), again.end(), RecomputeModule::core_attn) != again.end(),
           "training.recompute",
           "the core of attention over compressed keys is not recomputed alone: its backward needs the "
           "indexer's choice",
           "allowed here: none, full, other modules");
    refuse(job_.lora.has_value(), "lora",
           "adapters beside attention over compressed keys are not planned by this version", "");
    refuse(job_.model.biases != Biases::none, "model.biases", "attention over compressed keys has no biases",
           "allowed here: none");
  }

  const JobSpec& job_;
  const LayerKind& kind_;
  std::vector<Illegality>& findings_;
};

}  // namespace

std::string linear_objection(const Mixer& mixer, std::int64_t tp) {
  const std::optional<LinearHeads> heads = linear_heads(mixer);
  if (!heads) return {};
  const std::string_view word = word_of(mixer_kind(mixer));
  if (heads->heads % tp != 0)
    return fmt::format("{} does not divide the {} heads of {}", tp, heads->heads, word);
  // Megatron-LM's rule: every rank has whole groups.
  if (heads->key_heads % tp != 0)
    return fmt::format("{} does not divide the {} {} of {}", tp, heads->key_heads, heads->key_word, word);
  return {};
}

std::string whole_objection(const ModelSpec& model, const Mixer& mixer) {
  if (std::holds_alternative<CompressedAttention>(mixer))
    return "attention over compressed keys is not cut over tp: all heads share the keys and their "
           "compressors "
           "(Megatron-LM runs it with tp 1 only)";
  if (model.streams() > 1) return "hyper-connections are not cut over tp by this version";
  return {};
}

namespace {

/// Hyper-connections take the place of residual connections of one stream.
void check_streams(const JobSpec& job, std::vector<Illegality>& findings) {
  if (job.model.streams() < 2) return;
  if (job.training.dropout)
    findings.push_back({"training.dropout", "hyper-connections are planned without dropout by this version",
                        "allowed here: false"});
}

}  // namespace

void check_mixers(const JobSpec& job, std::vector<Illegality>& findings) {
  for (const LayerKind& kind : layer_pattern(job.model, job.training.sequence_length).kinds)
    KindRules(job, kind, findings).check();
  check_streams(job, findings);
}

}  // namespace foreshard::detail
