#include <string>
#include <utility>

#include <fmt/core.h>

#include "planner/spec/job/validate_parts.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::detail {
namespace {

using Findings = std::vector<Illegality>;

/// Checks that the model has the projections that single targets name, and that none is named twice.
void check_modules(const JobSpec& job, Findings& findings) {
  const LoraSpec& lora = *job.lora;
  const auto refuse = [&](std::string message, std::string allowed) {
    findings.push_back({"lora.targets", std::move(message), std::move(allowed)});
  };
  bool has_softmax = false;
  for (const LayerKind& kind : layer_pattern(job.model, job.training.sequence_length).kinds)
    has_softmax = has_softmax || std::holds_alternative<SoftmaxAttention>(kind.mixer);
  for (const LoraTarget target : lora.modules) {
    const std::string_view word = word_of(target);
    const bool in_attention = target == LoraTarget::q || target == LoraTarget::k || target == LoraTarget::v;
    const bool in_ffn = target == LoraTarget::gate || target == LoraTarget::up || target == LoraTarget::down;
    if (lora.attention && (in_attention || target == LoraTarget::o))
      refuse(fmt::format("attention has adapters on all its projections, {} among them", word),
             fmt::format("allowed here: attention, or {} and others of q, k, v, o", word));
    else if (lora.ffn && in_ffn)
      refuse(fmt::format("ffn has adapters on all its projections, {} among them", word),
             fmt::format("allowed here: ffn, or {} and others of gate, up, down", word));
    else if (in_attention && !has_softmax)
      refuse(fmt::format("the model's attention has no projection {} of its own", word),
             "allowed here: attention");
    else if (target == LoraTarget::gate && !is_gated(job.model.ffn))
      refuse("the model's FFN has no gate", "allowed here: up, down");
    else if (target == LoraTarget::experts && !job.model.experts)
      refuse("the model has no experts", "allowed here: gate, up, down");
    else if (target == LoraTarget::head && job.model.tied_embeddings)
      refuse("the model's head is its token table", "allowed here: targets in the layers");
  }
}

}  // namespace

void check_lora(const JobSpec& job, Findings& findings) {
  if (!job.lora) return;
  const LoraSpec& lora = *job.lora;
  if (lora.rank < 1)
    findings.push_back({"lora.rank", fmt::format("{} is no rank", lora.rank), "allowed here: 1 and more"});
  if (!lora.attention && !lora.ffn && lora.modules.empty())
    findings.push_back({"lora.targets", "adapters must stand beside something",
                        "allowed here: attention, ffn, q, k, v, o, gate, up, down, experts, head"});
  if (lora.ffn && job.model.experts)
    findings.push_back(
        {"lora.targets", "ffn has one adapter for gate and up, and experts have none so",
         "allowed here: attention, experts; of dense layers and shared experts gate, up, down"});
  if (lora.dora && lora.has(LoraTarget::experts))
    findings.push_back({"lora.dora", "of routed experts it is not planned by this version",
                        "allowed here: false, or targets without experts"});
  check_modules(job, findings);
}

}  // namespace foreshard::detail
