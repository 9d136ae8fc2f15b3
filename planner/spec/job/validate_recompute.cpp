#include <algorithm>
#include <string>

#include <fmt/core.h>

#include "planner/spec/job/validate_parts.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::detail {
namespace {

constexpr const char* kModules = "training.recompute";
constexpr const char* kLayers = "training.recompute_layers";

/// What the model needs and lacks so that it has this module; empty if it has it.
std::string lack_of(RecomputeModule module, const JobSpec& job, const LayerPattern& pattern) {
  const auto any_mixer = [&](auto test) {
    return std::any_of(pattern.kinds.begin(), pattern.kinds.end(),
                       [&](const LayerKind& kind) { return test(kind.mixer); });
  };
  switch (module) {
    case RecomputeModule::core_attn:
      return any_mixer([](const Mixer& m) { return !std::holds_alternative<NoMixer>(m); }) ? "" : "attention";
    case RecomputeModule::mla_up_proj:
      return any_mixer([](const Mixer& m) { return std::holds_alternative<LatentAttention>(m); })
                 ? ""
                 : "latent attention";
    case RecomputeModule::layernorm: return "";
    case RecomputeModule::mlp: return pattern.has(FeedForward::dense) ? "" : "layers without experts";
    case RecomputeModule::moe:
    case RecomputeModule::moe_act: return pattern.has(FeedForward::experts) ? "" : "layers with experts";
    case RecomputeModule::shared_experts:
      return pattern.has(FeedForward::experts) && job.model.experts && job.model.experts->shared_hidden > 0
                 ? ""
                 : "shared experts";
  }
  return "";
}

void check_listed(const ListedLayers& listed, const ParallelismSpec& p, std::vector<Illegality>& findings) {
  const auto counts = static_cast<std::int64_t>(listed.counts.size());
  const std::int64_t chunks = checked_product(p.pp, p.vp);
  if (counts != p.pp && counts != chunks) {
    findings.push_back({kLayers,
                        fmt::format("{} counts for pp {}{}", counts, p.pp,
                                    p.vp > 1 ? fmt::format(" × vp {}", p.vp) : std::string()),
                        p.vp > 1 ? fmt::format("allowed here: {} counts, or {}", p.pp, chunks)
                                 : fmt::format("allowed here: {} counts", p.pp)});
  }
  if (std::all_of(listed.counts.begin(), listed.counts.end(), [](std::int64_t count) { return count == 0; }))
    findings.push_back({kLayers, "no layer would be recomputed", "allowed here: recompute: none"});
}

}  // namespace

void check_recompute(const JobSpec& job, std::vector<Illegality>& findings) {
  const TrainingSpec& training = job.training;
  if (training.recompute == Recompute::none) {
    if (!std::holds_alternative<AllLayers>(training.recompute_layers))
      findings.push_back({kLayers, "nothing is recomputed in these layers",
                          "say training.recompute as well: full, selective-ops or a list of modules"});
    return;
  }
  const LayerPattern pattern = layer_pattern(job.model, training.sequence_length);
  for (const RecomputeModule module : training.recompute_modules) {
    const std::string lack = lack_of(module, job, pattern);
    if (!lack.empty())
      findings.push_back({kModules, fmt::format("{}: the model has no {}", word_of(module), lack), ""});
  }
  if (const auto* listed = std::get_if<ListedLayers>(&training.recompute_layers))
    check_listed(*listed, job.parallelism, findings);
}

}  // namespace foreshard::detail
