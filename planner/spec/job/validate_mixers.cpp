#include <string>

#include <fmt/core.h>

#include "planner/spec/job/validate_parts.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::detail {
namespace {

/// Refuses what the types describe and no emitter plans yet.
class Unplanned {
 public:
  explicit Unplanned(std::vector<Illegality>& findings) : findings_(findings) {}

  void check(const LayerKind& kind) {
    const std::string path = "model.layer_kinds";
    const MixerKind mixer = mixer_kind(kind.mixer);
    const bool is_planned =
        mixer == MixerKind::attention || mixer == MixerKind::mla || mixer == MixerKind::none;
    refuse(!is_planned, path, fmt::format("{} (kind '{}')", word_of(mixer), kind.name));
    refuse(kind.ffn_hidden.has_value(), path, fmt::format("ffn_hidden of a kind ('{}')", kind.name));
    if (const auto* softmax = std::get_if<SoftmaxAttention>(&kind.mixer)) check(softmax->options);
    if (const auto* latent = std::get_if<LatentAttention>(&kind.mixer)) {
      refuse(latent->gate != OutputGate::none, "model.attention.gate", "a gate on latent attention's output");
      refuse(!latent->rope && latent->sizes.rope_head_dim > 0, "model.positions",
             "latent attention without rotary positions");
    }
  }

  void check(const ExpertsSpec& experts) {
    refuse(experts.latent.has_value(), "model.experts.latent", "experts on latent rows");
    refuse(experts.shared_gate, "model.experts.shared_gate", "a gate on shared experts");
    refuse(experts.own_norms, "model.experts.own_norms", "norms of experts' own");
  }

 private:
  void check(const AttentionOptions& options) {
    refuse(options.v_head_dim.has_value(), "model.attention.v_head_dim", "value heads of another width");
    refuse(options.rotary_dim.has_value(), "model.attention.rotary_dim", "partly rotated heads");
    refuse(options.chunk.has_value(), "model.attention.chunk", "chunked attention");
    refuse(options.gate != OutputGate::none, "model.attention.gate", "a gate on attention's output");
    refuse(options.values_are_keys, "model.attention.values_are_keys", "one projection for keys and values");
    refuse(options.v_norm, "model.attention.v_norm", "a norm of values");
  }

  void refuse(bool is_used, std::string path, const std::string& what) {
    if (is_used) findings_.push_back({std::move(path), what + " is not planned by this version", ""});
  }

  std::vector<Illegality>& findings_;
};

}  // namespace

void check_mixers(const JobSpec& job, std::vector<Illegality>& findings) {
  Unplanned unplanned(findings);
  for (const LayerKind& kind : layer_pattern(job.model, job.training.sequence_length).kinds)
    unplanned.check(kind);
  if (job.model.experts) unplanned.check(*job.model.experts);
}

}  // namespace foreshard::detail
