#include "planner/export/unsaid.hpp"

#include <numeric>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/export/value_words.hpp"
#include "planner/spec/job/read_recompute.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::detail {

namespace {

template <class Enum>
std::string text_of(Enum value) {
  return std::string(word_of(value));
}

/// As training.overlap.ep has it.
std::string text_of(EpOverlap value) {
  switch (value) {
    case EpOverlap::none: return "none";
    case EpOverlap::shared: return "shared";
    case EpOverlap::pipelined: return "true";
    case EpOverlap::in_turns: return "1f1b";
  }
  return {};
}

}  // namespace

void Unsaid::note(bool differs, std::string key, std::string value) {
  if (differs) keys_.push_back(fmt::format("{}: {}", key, value));
}

std::string Unsaid::comments(const std::string& mark) const {
  if (keys_.empty()) return {};
  std::string text = fmt::format("\n{} The job also says what there is no option for:\n", mark);
  for (const std::string& key : keys_) text += fmt::format("{}   {}\n", mark, key);
  return text;
}

void note_pipeline(const JobSpec& job, Unsaid& unsaid) {
  const ParallelismSpec& p = job.parallelism;
  unsaid.note(p.pp > 1, "parallelism.pp", fmt::format("{}", p.pp));
  unsaid.note(p.vp > 1, "parallelism.vp", fmt::format("{}", p.vp));
  if (p.pp == 1) return;
  unsaid.note(true, "training.schedule", text_of(job.training.schedule));
  unsaid.note(p.stage_policy != StagePolicy::even, "parallelism.stages",
              p.stage_policy == StagePolicy::listed ? fmt::format("[{}]", fmt::join(p.stage_layers, ", "))
                                                    : text_of(p.stage_policy));
}

void note_experts(const JobSpec& job, Unsaid& unsaid) {
  if (!job.model.experts) return;
  const ParallelismSpec& p = job.parallelism;
  const TrainingSpec& t = job.training;
  unsaid.note(p.ep > 1, "parallelism.ep", fmt::format("{}", p.ep));
  unsaid.note(p.expert_tp() > 1, "parallelism.etp", fmt::format("{}", p.expert_tp()));
  unsaid.note(p.ep > 1, "training.dispatcher", text_of(t.dispatcher));
  if (t.dispatcher_sms) unsaid.note(true, "training.dispatcher_sms", fmt::format("{}", *t.dispatcher_sms));
  unsaid.note(t.dispatch_precision != DispatchPrecision::same, "training.dispatch_precision",
              text_of(t.dispatch_precision));
  if (t.expert_capacity)
    unsaid.note(true, "training.expert_capacity", fmt::format("{}", t.expert_capacity->factor));
}

void note_lora(const JobSpec& job, Unsaid& unsaid) {
  if (!job.lora) return;
  unsaid.note(true, "lora.rank", fmt::format("{}", job.lora->rank));
  unsaid.note(job.lora->dora, "lora.dora", "true");
}

void note_states(const JobSpec& job, Unsaid& unsaid) {
  const TrainingSpec& t = job.training;
  unsaid.note(t.states.master != MasterWeights::fp32, "training.states.master", text_of(t.states.master));
  unsaid.note(t.states.moments != MomentType::fp32, "training.states.moments", text_of(t.states.moments));
  unsaid.note(t.optimizer_in_backward, "training.optimizer_in_backward", "true");
  unsaid.note(t.optimizer_post_validation, "training.optimizer_post_validation", "true");
}

void note_low_precision(const JobSpec& job, Unsaid& unsaid) {
  const TrainingSpec& t = job.training;
  const bool is_low =
      t.precision == Precision::fp8 || t.precision == Precision::mxfp8 || t.precision == Precision::nvfp4;
  unsaid.note(is_low, "training.precision", text_of(t.precision));
  unsaid.note(t.precision == Precision::fp8, "training.fp8_scaling", text_of(t.fp8_scaling));
  unsaid.note(t.low_precision.parameter_gather, "training.fp8_parameter_gather", "true");
  unsaid.note(t.fp8_activation_inputs, "training.activation_func_fp8_input_store", "true");
  unsaid.note(t.low_precision.attention != AttentionPrecision::bf16, "training.attention_precision",
              text_of(t.low_precision.attention));
  unsaid.note(t.low_precision.bf16_first + t.low_precision.bf16_last > 0, "training.bf16_layers",
              fmt::format("{{first: {}, last: {}}}", t.low_precision.bf16_first, t.low_precision.bf16_last));
}

void note_loss(const JobSpec& job, Unsaid& unsaid, bool compiles) {
  const LossSpec& loss = job.training.loss;
  unsaid.note(loss.fused, "training.loss.fused", "true");
  unsaid.note(loss.compiled && !compiles, "training.loss.compiled", "true");
  unsaid.note(loss.cut, "training.loss.cut", "true");
  unsaid.note(loss.chunks > 1, "training.loss.chunks", fmt::format("{}", loss.chunks));
  unsaid.note(!loss.sharded && job.parallelism.tp > 1, "training.loss.sharded", "false");
}

void note_documents(const JobSpec& job, Unsaid& unsaid) {
  if (!job.training.documents) return;
  const std::vector<double>& lengths = job.training.documents->lengths;
  const double mean =
      std::accumulate(lengths.begin(), lengths.end(), 0.0) / static_cast<double>(lengths.size());
  unsaid.note(true, "training.documents", fmt::format("{:.0f} tokens on average", mean));
}

void note_recompute_parts(const JobSpec& job, Unsaid& unsaid) {
  const TrainingSpec& t = job.training;
  const bool is_plain = t.recompute == Recompute::none || t.recompute == Recompute::full;
  unsaid.note(!is_plain, "training.recompute", recompute_text(t));
  unsaid.note(t.recompute != Recompute::none && t.recompute_layers != RecomputeLayers{AllLayers{}},
              "training.recompute_layers", recompute_layers_text(t.recompute_layers));
}

void note_offload(const TrainingSpec& training, Unsaid& unsaid) {
  const OffloadSpec& offload = training.offload;
  unsaid.note(offload.weights > 0.0, "training.offload.weights", fmt::format("{:g}", offload.weights));
  unsaid.note(offload.activations > 0.0, "training.offload.activations",
              fmt::format("{:g}", offload.activations));
  unsaid.note(training.states.paged, "training.states.paged", "true");
}

void note_overlap(const JobSpec& job, Unsaid& unsaid) {
  const OverlapSpec& said = job.training.overlap;
  const OverlapSpec usual = job.conventions().overlap;
  const ParallelismSpec& p = job.parallelism;
  unsaid.note(p.tp > 1 && said.tp != usual.tp, "training.overlap.tp", text_of(said.tp));
  unsaid.note(p.dp > 1 && said.dp != usual.dp, "training.overlap.dp", boolean(said.dp));
  unsaid.note(p.pp > 1 && said.pp != usual.pp, "training.overlap.pp", boolean(said.pp));
  unsaid.note(said.gather != usual.gather, "training.overlap.gather", boolean(said.gather));
  unsaid.note(p.cp > 1 && said.cp != usual.cp, "training.overlap.cp", boolean(said.cp));
  unsaid.note(p.ep > 1 && said.ep != usual.ep, "training.overlap.ep", text_of(said.ep));
}

}  // namespace foreshard::detail
