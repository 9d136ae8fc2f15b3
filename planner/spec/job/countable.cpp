#include "planner/spec/job/countable.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "planner/spec/types/layer_pattern.hpp"

namespace foreshard::detail {
namespace {

// Generous upper bounds: a job near them is far too large to be trained.
constexpr std::int64_t kStateBytesPerParameter = 32;  // weight, gradient, moments, master: at most 20
constexpr std::int64_t kBytesPerActivation = 64;      // in a layer, per element of its widest tensors
constexpr std::int64_t kForwardsPerStep = 6;          // forward, backward 2.5 in attention, recomputation

/// Columns of a linear mixer's input product, and more.
std::int64_t width_of_linear(const Mixer& mixer) {
  if (const auto* mamba = std::get_if<Mamba2>(&mixer))
    return checked_product(3, checked_add(checked_product(mamba->heads, mamba->head_dim),
                                          checked_product(mamba->groups, mamba->state_dim), "elements"));
  if (const auto* net = std::get_if<GatedDeltaNet>(&mixer))
    return checked_product(3,
                           checked_add(checked_product(net->key_heads, net->key_head_dim),
                                       checked_product(net->value_heads, net->value_head_dim), "elements"));
  if (const auto* kimi = std::get_if<KimiDelta>(&mixer))
    return checked_product(6, kimi->heads, kimi->head_dim);
  return 0;
}

/// Elements per token of all heads of a layer of this kind: an upper bound for each of q, k, v and the
/// output.
std::int64_t width_of_heads(const ModelSpec& model, const LayerKind& kind) {
  if (const auto* attention = std::get_if<SoftmaxAttention>(&kind.mixer))
    return checked_product(attention->heads, attention->head_dim);
  if (const auto* latent = std::get_if<LatentAttention>(&kind.mixer))
    return checked_product(latent->heads, checked_add(model.head_dim, latent->sizes.kv_rank, "elements"));
  if (const auto* compressed = std::get_if<CompressedAttention>(&kind.mixer))
    return checked_product(6, compressed->heads, compressed->head_dim);
  return width_of_linear(kind.mixer);
}

std::int64_t weights_of_mixer(const ModelSpec& model, const LayerKind& kind) {
  const auto* attention = std::get_if<SoftmaxAttention>(&kind.mixer);
  const std::int64_t kv_width = attention != nullptr
                                    ? checked_product(attention->kv_heads, attention->head_dim)
                                    : checked_product(model.kv_heads, model.head_dim);
  const std::int64_t width = width_of_heads(model, kind);
  if (width == 0) return 0;
  return checked_add(checked_product(2, model.hidden, width), checked_product(2, model.hidden, kv_width),
                     "parameters");
}

std::int64_t weights_of_ffn(const ModelSpec& model, const LayerKind& kind) {
  const std::int64_t matrices = is_gated(model.ffn) ? 3 : 2;
  const std::int64_t dense =
      checked_product(matrices, model.hidden, kind.ffn_hidden.value_or(model.ffn_hidden));
  if (kind.ffn != FeedForward::experts || !model.experts) return kind.ffn == FeedForward::none ? 0 : dense;
  const ExpertsSpec& experts = *model.experts;
  const std::int64_t routed = checked_product(experts.count, matrices * experts.hidden + 1, model.hidden);
  const std::int64_t shared = checked_product(matrices, model.hidden, experts.shared_hidden);
  return checked_add(checked_add(dense, routed, "parameters"), shared, "parameters");
}

std::int64_t weights_of_layer(const ModelSpec& model, const LayerKind& kind) {
  return checked_add(weights_of_mixer(model, kind), weights_of_ffn(model, kind), "parameters");
}

LayerPattern pattern_of(const JobSpec& job) { return layer_pattern(job.model, job.training.sequence_length); }

std::int64_t padded_vocab(const JobSpec& job) {
  const std::int64_t step = checked_product(job.model.vocab_multiple, job.parallelism.tp);
  return checked_product(ceil_divide(job.model.vocab, step), step);
}

/// Bytes of the whole model's weights, gradients and optimizer state on one device.
void count_state(const JobSpec& job) {
  const ModelSpec& model = job.model;
  const std::int64_t tables = checked_add(checked_product(2, padded_vocab(job), model.hidden),
                                          checked_product(model.max_positions, model.hidden), "parameters");
  std::int64_t parameters = tables;
  const LayerPattern pattern = pattern_of(job);
  for (std::size_t k = 0; k < pattern.kinds.size(); ++k) {
    const std::int64_t layer = weights_of_layer(model, pattern.kinds[k]);
    parameters = checked_add(parameters, checked_product(pattern.layers_of_kind[k], layer), "parameters");
  }
  checked_product(kStateBytesPerParameter, parameters);
}

std::int64_t most_heads(const JobSpec& job) {
  std::int64_t most = 0;
  for (const LayerKind& kind : pattern_of(job).kinds) {
    if (const auto* attention = std::get_if<SoftmaxAttention>(&kind.mixer))
      most = std::max(most, attention->heads);
  }
  return most;
}

/// Bytes of all micro-batches' activations in all layers.
void count_activations(const JobSpec& job) {
  const ModelSpec& model = job.model;
  std::int64_t width =
      checked_add(checked_product(2 * model.streams(), model.hidden), model.ffn_hidden, "bytes");
  std::int64_t widest_heads = 0;
  for (const LayerKind& kind : pattern_of(job).kinds)
    widest_heads = std::max(widest_heads, width_of_heads(model, kind));
  width = checked_add(width, widest_heads, "bytes");
  width = checked_add(width, padded_vocab(job), "bytes");
  if (model.experts) {
    const std::int64_t row = checked_add(model.hidden, model.experts->hidden, "bytes");
    const auto load =
        static_cast<std::int64_t>(std::min(largest_imbalance(model, job.parallelism.ep), 1e6)) + 1;
    width = checked_add(width, checked_product(load, model.experts->per_token, row), "bytes");
  }
  if (job.training.attention == AttentionKind::unfused)
    width = checked_add(width, checked_product(most_heads(job), job.training.sequence_length), "bytes");
  checked_product(kBytesPerActivation, job.training.sequence_length, job.training.micro_batch,
                  job.micro_batches(), model.layers, width);
}

/// Weights of a layer of this kind with which one token of the busiest rank is multiplied.
std::int64_t active_weights(const JobSpec& job, const LayerKind& kind) {
  const ModelSpec& model = job.model;
  const std::int64_t mixer = weights_of_mixer(model, kind);
  if (kind.ffn != FeedForward::experts || !model.experts)
    return checked_add(mixer, weights_of_ffn(model, kind), "FLOPs");
  const ExpertsSpec& experts = *model.experts;
  const std::int64_t matrices = is_gated(model.ffn) ? 3 : 2;
  const auto load =
      static_cast<std::int64_t>(std::min(largest_imbalance(model, job.parallelism.ep), 1e6)) + 1;
  const std::int64_t routed = checked_product(load, experts.per_token, matrices * experts.hidden);
  const std::int64_t columns =
      checked_add(checked_add(routed, matrices * experts.shared_hidden, "FLOPs"), experts.count, "FLOPs");
  return checked_add(mixer, checked_product(columns, model.hidden), "FLOPs");
}

/// An upper bound for the FLOPs of the largest stage, in layers of the costliest kind.
std::int64_t most_layers_of_stage(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  const std::int64_t layers = job.model.layers;
  switch (p.stage_policy) {
    case StagePolicy::even: return std::min(layers, ceil_divide(layers, p.pp) + p.vp);
    // Contiguous pieces can be cut so that none costs more than the mean and one layer; each other stage has at
    // least one layer.
    case StagePolicy::by_cost: return std::min(layers - (p.pp - 1), ceil_divide(layers, p.pp) + p.vp + 1);
    case StagePolicy::listed: break;
  }
  std::vector<std::int64_t> by_stage(static_cast<std::size_t>(p.pp), 0);
  for (std::size_t piece = 0; piece < p.stage_layers.size(); ++piece)
    by_stage[piece % by_stage.size()] += p.stage_layers[piece];
  return *std::max_element(by_stage.begin(), by_stage.end());
}

/// FLOPs of one rank's step on the largest stage.
void count_flops(const JobSpec& job) {
  const ModelSpec& model = job.model;
  std::int64_t layer = 0;
  for (const LayerKind& kind : pattern_of(job).kinds) {
    const std::int64_t attention =
        checked_product(4, job.training.sequence_length, width_of_heads(model, kind));
    const std::int64_t products = checked_product(2, active_weights(job, kind));
    layer = std::max(layer, checked_add(products, attention, "FLOPs"));
  }
  const std::int64_t token = checked_add(checked_product(most_layers_of_stage(job), layer),
                                         checked_product(2, model.hidden, padded_vocab(job)), "FLOPs");
  checked_product(kForwardsPerStep, job.training.global_batch / job.parallelism.dp,
                  job.training.sequence_length, ceil_divide(token, job.parallelism.tp));
}

}  // namespace

void check_listed_counts(const JobSpec& job, std::vector<Illegality>& findings) {
  const auto check = [&](const char* path, const char* what, std::int64_t count, std::int64_t most) {
    if (count > most)
      findings.push_back({path, fmt::format("{} {} are more than a plan can list", count, what),
                          fmt::format("allowed here: at most {}", most)});
  };
  check("model.layers", "layers", job.model.layers, kMostLayers);
  check("parallelism.pp", "stages", job.parallelism.pp, kMostStages);
}

void check_countable(const JobSpec& job, std::vector<Illegality>& findings) {
  if (job.micro_batches() > kMostPasses / job.parallelism.vp)
    findings.push_back(
        {"training.global_batch",
         fmt::format("{} micro-batches per rank are more than a plan can list", job.micro_batches()),
         fmt::format("allowed here: at most {}", kMostPasses / job.parallelism.vp)});
  struct Sum {
    const char* path;
    const char* what;
    void (*count)(const JobSpec&);
  };
  for (const Sum& sum : {Sum{"model", "the model's state", count_state},
                         Sum{"training.micro_batch", "the activations", count_activations},
                         Sum{"training.global_batch", "one step's FLOPs", count_flops}}) {
    try {
      sum.count(job);
    } catch (const CountOverflow&) {
      findings.push_back({sum.path, fmt::format("{} would exceed what 64-bit counts hold", sum.what), ""});
    }
  }
}

}  // namespace foreshard::detail
