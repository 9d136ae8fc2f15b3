#include "planner/spec/job/job_notes.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/types/layer_pattern.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/spec/types/rank_loads.hpp"

namespace foreshard {

namespace {

using Notes = std::vector<std::string>;

/// The accelerator's rate of the layers' products, where its file gives one for their own type.
bool has_own_rate(const JobSpec& job) {
  const DType type = product_type(job.training.precision, job.training.fp8_scaling);
  return job.cluster.accelerator.gemm[static_cast<std::size_t>(type)].has_value();
}

void note_precision(const JobSpec& job, Notes& notes) {
  const TrainingSpec& training = job.training;
  const std::string_view scaling = word_of(training.fp8_scaling);
  const bool is_mx = training.precision == Precision::mxfp8 && training.fp8_scaling == Fp8Scaling::mx;
  if (training.precision != Precision::fp8 && training.says_fp8_scaling && !is_mx)
    notes.push_back(
        fmt::format("fp8_scaling {} has no effect: precision is {}", scaling, word_of(training.precision)));
  if (training.precision == Precision::fp8 && !has_own_rate(job))
    notes.push_back(fmt::format("{} has no rate of its own for products with {} scales: priced as tensorwise",
                                job.cluster.accelerator.name, scaling));
}

void note_attention(const JobSpec& job, Notes& notes) {
  const TrainingSpec& training = job.training;
  if (!training.flash) return;
  const AcceleratorSpec& accelerator = job.cluster.accelerator;
  if (training.attention != AttentionKind::flash)
    notes.push_back(fmt::format("flash {} has no effect: attention is {}", word_of(*training.flash),
                                word_of(training.attention)));
  else if (!has_flash(accelerator, *training.flash) && accelerator.usual_flash)
    notes.push_back(fmt::format("{} brings {} attention, of which {} has no rate: priced as {}",
                                word_of(job.framework), word_of(*training.flash), accelerator.name,
                                word_of(*accelerator.usual_flash)));
}

/// How evenly layers load the busiest rank, where they differ.
void note_imbalance(const JobSpec& job, Notes& notes) {
  const ModelSpec& model = job.model;
  if (!model.experts) return;
  const ExpertsSpec& experts = *model.experts;
  const bool by_experts = experts.load_spread > 0.0 || !experts.loads.empty();
  const RankLoads loads = rank_loads(experts, job.parallelism.ep);
  const double mean = loads.most;
  if (job.parallelism.ep == 1) {
    if (by_experts)
      notes.push_back("experts.imbalance has no effect: with ep 1 every rank has all experts");
    else if (mean > 1.0)
      notes.push_back(
          fmt::format("experts.imbalance {} has no effect: with ep 1 every rank has all experts", mean));
    return;
  }
  if (by_experts)
    notes.push_back(fmt::format(
        "experts.imbalance: of {} ranks with {} experts each, the busiest {} {:.3g} times the mean rows, the "
        "idlest {:.3g}; all wait for the busiest",
        job.parallelism.ep, experts.count / job.parallelism.ep,
        experts.loads.empty() ? "is expected to have" : "has", loads.most, loads.least));
  const double most = largest_imbalance(model, job.parallelism.ep);
  if (most == mean) return;
  double least = most;
  for (const LayerKind& kind : layer_pattern(model, job.training.sequence_length).kinds) {
    if (kind.ffn == FeedForward::experts) least = std::min(least, mean * kind.expert_load);
  }
  notes.push_back(
      fmt::format("experts.imbalance: the busiest rank of a layer has {:.3g} to {:.3g} times the mean rows, "
                  "{:.3g} on average; "
                  "memory is counted as if one rank were the busiest in all layers",
                  least, most, mean));
}

void note_model(const JobSpec& job, Notes& notes) {
  const ModelSpec& model = job.model;
  for (const std::string& sentence : model.left_out)
    notes.push_back(fmt::format("{}: {}", model.name, sentence));
  if (model.max_positions > 0 && model.positions != Positions::learned)
    notes.push_back(fmt::format("max_positions {} has no effect: positions are {}", model.max_positions,
                                word_of(model.positions)));
}

void note_parallelism(const JobSpec& job, Notes& notes) {
  const ParallelismSpec& p = job.parallelism;
  if (p.cp == 1 && p.cp_style != ParallelismSpec{}.cp_style)
    notes.push_back(fmt::format("cp_style {} has no effect: cp is 1", word_of(p.cp_style)));
  if (p.sequence_parallel && p.tp == 1) notes.emplace_back("sequence_parallel true has no effect: tp is 1");
  if (p.stage_policy == StagePolicy::by_cost && p.pp == 1)
    notes.emplace_back("stages by-cost has no effect: pp is 1");
}

/// "products, attention and memory passes"
std::string enumerated(const std::vector<std::string_view>& words) {
  if (words.size() < 2) return std::string(words.empty() ? "" : words.front());
  const std::vector<std::string_view> before(words.begin(), words.end() - 1);
  return fmt::format("{} and {}", fmt::join(before, ", "), words.back());
}

void note_loss_and_optimizer(const JobSpec& job, Notes& notes) {
  const TrainingSpec& training = job.training;
  if (!training.loss.sharded && job.parallelism.tp == 1)
    notes.emplace_back("loss.sharded false has no effect: tp is 1");
  const bool keeps_moments = training.optimizer != OptimizerKind::sgd;
  if (!keeps_moments && training.states.moments != MomentType::fp32)
    notes.push_back(
        fmt::format("states.moments {} has no effect: sgd keeps none", word_of(training.states.moments)));
}

void note_gather(const JobSpec& job, Notes& notes) {
  if (!job.training.overlap.gather) return;
  const std::int64_t zero = job.parallelism.zero;
  if (zero != 1 && zero != 2)
    notes.push_back(fmt::format("overlap.gather true has no effect: zero is {}", zero));
  else if (!job.training.overlap.dp)
    notes.emplace_back("overlap.gather true has no effect: overlap.dp is false");
}

void note_dispatch(const JobSpec& job, Notes& notes) {
  if (job.training.dispatch_precision != DispatchPrecision::same && job.parallelism.ep == 1)
    notes.push_back(fmt::format("dispatch_precision {} has no effect: ep is 1",
                                word_of(job.training.dispatch_precision)));
}

void note_documents(const JobSpec& job, Notes& notes) {
  const TrainingSpec& training = job.training;
  if (!training.documents || training.documents->packed) return;
  const double share = padding_share(*training.documents, training.sequence_length);
  notes.push_back(
      fmt::format("{:.1f}% of the tokens are padding: every document is padded to {} tokens, and the step "
                  "computes all of "
                  "them",
                  100.0 * share, training.sequence_length));
}

}  // namespace

std::optional<std::string> note_on_confidence(const JobSpec& job) {
  const AcceleratorSpec& accelerator = job.cluster.accelerator;
  const auto is = [&](ConstantGroup group, Confidence how) {
    return accelerator.confidence[static_cast<std::size_t>(group)] == how;
  };
  std::vector<std::string_view> assumed;
  const auto look_at = [&](ConstantGroup group, std::string_view name) {
    if (is(group, Confidence::assumed) || is(group, Confidence::announced)) assumed.push_back(name);
  };
  look_at(ConstantGroup::products, "products");
  if (job.model.experts) look_at(ConstantGroup::experts, "experts' products");
  look_at(ConstantGroup::attention, "attention");
  look_at(ConstantGroup::passes, "memory passes");
  look_at(ConstantGroup::collectives, "collectives");
  const bool products = !assumed.empty() && assumed.front() == "products";
  if (assumed.size() < 2 && !products) return std::nullopt;
  return fmt::format(
      "{}of {} is assumed, not measured: {}",
      is(ConstantGroup::peaks, Confidence::announced) ? "the device is announced only; much " : "much ",
      accelerator.name, enumerated(assumed));
}

std::vector<std::string> job_notes(const JobSpec& job) {
  Notes notes;
  notes.insert(notes.end(), job.left_out.begin(), job.left_out.end());
  note_precision(job, notes);
  note_attention(job, notes);
  note_model(job, notes);
  note_imbalance(job, notes);
  note_parallelism(job, notes);
  note_gather(job, notes);
  note_dispatch(job, notes);
  note_loss_and_optimizer(job, notes);
  if (std::optional<std::string> confidence = note_on_confidence(job))
    notes.push_back(std::move(*confidence));
  note_documents(job, notes);
  return notes;
}

}  // namespace foreshard
