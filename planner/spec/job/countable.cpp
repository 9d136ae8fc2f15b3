#include "planner/spec/job/countable.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace foreshard::detail {
namespace {

// Upper bounds, each generous: a job near them is far beyond what can be trained.
constexpr std::int64_t kStateBytesPerParameter = 32;  // weight, gradient, moments, master: at most 20
constexpr std::int64_t kBytesPerActivation = 64;      // of one layer, per element of its widest tensors
constexpr std::int64_t kForwardsPerStep = 6;          // forward, backward 2.5 in attention, recomputation

std::int64_t weights_of_layer(const ModelSpec& model) {
  const std::int64_t projections =
      checked_add(checked_product(2, model.hidden, model.head_dim, model.heads),
                  checked_product(2, model.hidden, model.head_dim, model.kv_heads), "parameters");
  const std::int64_t matrices = is_gated(model.ffn) ? 3 : 2;
  const std::int64_t layer =
      checked_add(projections, checked_product(matrices, model.hidden, model.ffn_hidden), "parameters");
  if (!model.experts) return layer;
  const ExpertsSpec& experts = *model.experts;
  const std::int64_t routed = checked_product(experts.count, matrices * experts.hidden + 1, model.hidden);
  const std::int64_t shared = checked_product(matrices, model.hidden, experts.shared_hidden);
  return checked_add(checked_add(layer, routed, "parameters"), shared, "parameters");
}

std::int64_t padded_vocab(const JobSpec& job) {
  const std::int64_t step = checked_product(job.model.vocab_multiple, job.parallelism.tp);
  return checked_product(ceil_divide(job.model.vocab, step), step);
}

/// Bytes of the whole model's weights, gradients and optimizer state on one device.
void count_state(const JobSpec& job) {
  const ModelSpec& model = job.model;
  const std::int64_t tables = checked_add(checked_product(2, padded_vocab(job), model.hidden),
                                          checked_product(model.max_positions, model.hidden), "parameters");
  const std::int64_t parameters =
      checked_add(checked_product(model.layers, weights_of_layer(model)), tables, "parameters");
  checked_product(kStateBytesPerParameter, parameters);
}

/// Bytes of all micro-batches' activations in all layers.
void count_activations(const JobSpec& job) {
  const ModelSpec& model = job.model;
  std::int64_t width = checked_add(model.hidden, model.ffn_hidden, "bytes");
  width = checked_add(width, checked_product(model.heads, model.head_dim), "bytes");
  width = checked_add(width, padded_vocab(job), "bytes");
  if (model.experts) {
    const std::int64_t row = checked_add(model.hidden, model.experts->hidden, "bytes");
    const auto load = static_cast<std::int64_t>(std::min(model.experts->imbalance, 1e6)) + 1;
    width = checked_add(width, checked_product(load, model.experts->per_token, row), "bytes");
  }
  if (job.training.attention == AttentionKind::unfused)
    width = checked_add(width, checked_product(model.heads, job.training.sequence_length), "bytes");
  checked_product(kBytesPerActivation, job.training.sequence_length, job.training.micro_batch,
                  job.micro_batches(), model.layers, width);
}

/// FLOPs of one rank's step on the fullest stage.
void count_flops(const JobSpec& job) {
  const ModelSpec& model = job.model;
  const ParallelismSpec& p = job.parallelism;
  const std::int64_t attention =
      checked_product(4, job.training.sequence_length, model.heads, model.head_dim);
  const std::int64_t layer = checked_add(checked_product(2, weights_of_layer(model)), attention, "FLOPs");
  const std::int64_t layers_of_stage = p.stage_policy == StagePolicy::even
                                           ? std::min(model.layers, ceil_divide(model.layers, p.pp) + p.vp)
                                           : model.layers;
  const std::int64_t token = checked_add(checked_product(layers_of_stage, layer),
                                         checked_product(2, model.hidden, padded_vocab(job)), "FLOPs");
  checked_product(kForwardsPerStep, job.training.global_batch / p.dp, job.training.sequence_length,
                  ceil_divide(token, p.tp));
}

}  // namespace

void check_countable(const JobSpec& job, std::vector<Illegality>& findings) {
  if (job.model.layers > kMostLayers)
    findings.push_back({"model.layers",
                        fmt::format("{} layers are more than a plan can list", job.model.layers),
                        fmt::format("allowed here: at most {}", kMostLayers)});
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
