#include "planner/spec/job/job_notes.hpp"

#include <fmt/core.h>

#include "planner/spec/types/names.hpp"

namespace foreshard {

namespace {

using Notes = std::vector<std::string>;

/// fp8 products are priced with one pass for the largest magnitude and one cast of each activation.
void note_precision(const TrainingSpec& training, Notes& notes) {
  if (training.fp8_scaling == Fp8Scaling::tensorwise) return;
  const std::string_view scaling = word_of(training.fp8_scaling);
  if (training.precision == Precision::fp8)
    notes.push_back(fmt::format("fp8_scaling {} is not modelled yet: priced as tensorwise", scaling));
  else
    notes.push_back(
        fmt::format("fp8_scaling {} has no effect: precision is {}", scaling, word_of(training.precision)));
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

void note_model(const JobSpec& job, Notes& notes) {
  const ModelSpec& model = job.model;
  if (model.experts && model.experts->imbalance > 1.0 && job.parallelism.ep == 1)
    notes.push_back(fmt::format("experts.imbalance {} has no effect: with ep 1 every rank has all experts",
                                model.experts->imbalance));
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

}  // namespace

std::vector<std::string> job_notes(const JobSpec& job) {
  Notes notes;
  note_precision(job.training, notes);
  note_attention(job, notes);
  note_model(job, notes);
  note_parallelism(job, notes);
  return notes;
}

}  // namespace foreshard
