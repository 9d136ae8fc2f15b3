#include <fmt/core.h>

#include "planner/export/exporters.hpp"
#include "planner/export/value_words.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard::detail {

namespace {

const char* automodel_schedule(ScheduleKind schedule) {
  switch (schedule) {
    case ScheduleKind::gpipe: return "gpipe";
    case ScheduleKind::one_f_one_b: return "1f1b";
    case ScheduleKind::interleaved: return "interleaved1f1b";
    case ScheduleKind::zero_bubble:
    case ScheduleKind::zero_bubble_2p: return "interleavedzerobubble";
    case ScheduleKind::zb_v: return "zbvzerobubble";
    case ScheduleKind::dualpipe_v: return "dualpipev";
  }
  return "1f1b";
}

void write_distributed(const JobSpec& job, MapWriter& yaml, Unsaid& unsaid) {
  const ParallelismSpec& p = job.parallelism;
  yaml.begin("distributed");
  yaml.plain("strategy", p.zero == 0 ? "ddp" : "fsdp2");
  yaml.plain("tp_size", number(p.tp));
  yaml.plain("cp_size", number(p.cp));
  yaml.plain("pp_size", number(p.pp));
  if (job.model.experts) yaml.plain("ep_size", number(p.ep));
  if (p.dp_shard) yaml.plain("dp_replicate_size", number(p.shard_copies()));
  yaml.plain("sequence_parallel", boolean(p.sequence_parallel));
  yaml.plain("activation_checkpointing", boolean(job.training.recompute == Recompute::full));
  if (p.pp > 1) {
    yaml.begin("pipeline");
    yaml.plain("pp_schedule", automodel_schedule(job.training.schedule));
    yaml.plain("pp_microbatch_size", number(job.training.micro_batch));
    yaml.plain("layers_per_stage", number((job.model.layers + p.pp * p.vp - 1) / (p.pp * p.vp)));
    yaml.end();
  }
  yaml.end();
  unsaid.note(p.zero == 1 || p.zero == 2, "parallelism.zero", number(p.zero));
  unsaid.note(p.stage_policy != StagePolicy::even, "parallelism.stages",
              std::string(word_of(p.stage_policy)));
  unsaid.note(job.model.experts && p.expert_tp() > 1, "parallelism.etp", number(p.expert_tp()));
}

}  // namespace

std::string automodel_yaml(const JobSpec& job, Unsaid& unsaid) {
  const TrainingSpec& t = job.training;
  MapWriter yaml;
  yaml.begin("step_scheduler");
  yaml.plain("global_batch_size", number(t.global_batch));
  // With pipeline stages the local batch is all that a rank puts through them in one step.
  yaml.plain("local_batch_size",
             number(job.parallelism.pp > 1 ? t.micro_batch * job.micro_batches() : t.micro_batch));
  if (const auto steps = t.steps()) yaml.plain("max_steps", number(static_cast<std::int64_t>(*steps)));
  yaml.end();
  yaml.begin("model");
  yaml.plain("_target_", "nemo_automodel.NeMoAutoModelForCausalLM.from_pretrained");
  if (job.model.experts) {
    yaml.begin("backend");
    yaml.plain("_target_", "nemo_automodel.components.models.common.BackendConfig");
    yaml.plain("dispatcher", t.dispatcher == Dispatcher::deepep     ? "deepep"
                             : t.dispatcher == Dispatcher::hybridep ? "hybridep"
                                                                    : "torch");
    yaml.end();
    unsaid.note(t.dispatcher == Dispatcher::loop, "training.dispatcher", std::string(word_of(t.dispatcher)));
  }
  yaml.end();
  write_distributed(job, yaml, unsaid);
  yaml.begin("loss_fn");
  yaml.plain("_target_", t.loss.chunks > 1
                             ? "nemo_automodel.components.loss.linear_ce.FusedLinearCrossEntropy"
                             : "nemo_automodel.components.loss.masked_ce.MaskedCrossEntropy");
  yaml.end();
  if (t.documents && t.documents->packed) {
    yaml.begin("packed_sequence");
    yaml.plain("packed_sequence_size", number(t.sequence_length));
    yaml.end();
  }
  unsaid.note(true, "model", job.model.name + ", which pretrained_model_name_or_path says");
  unsaid.note(true, "training.sequence_length",
              number(t.sequence_length) + ", which the dataset's seq_length says");
  unsaid.note(t.optimizer != OptimizerKind::adamw, "training.optimizer", std::string(word_of(t.optimizer)));
  note_recompute_parts(job, unsaid);
  note_states(job, unsaid);
  note_offload(job.training, unsaid);
  unsaid.note(t.offload.optimizer > 0.0, "training.offload.optimizer",
              fmt::format("{:g}", t.offload.optimizer));
  note_low_precision(job, unsaid);
  note_lora(job, unsaid);
  return yaml.str();
}

}  // namespace foreshard::detail
