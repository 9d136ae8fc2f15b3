#include <fmt/core.h>

#include "planner/export/exporters.hpp"
#include "planner/export/value_words.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard::detail {

std::string accelerate_yaml(const JobSpec& job, Unsaid& unsaid) {
  const ParallelismSpec& p = job.parallelism;
  const TrainingSpec& t = job.training;
  MapWriter yaml;
  yaml.plain("compute_environment", "LOCAL_MACHINE");
  yaml.plain("distributed_type", p.zero == 0 ? "MULTI_GPU" : "FSDP");
  yaml.plain("mixed_precision", t.precision == Precision::fp16   ? "fp16"
                                : t.precision == Precision::fp32 ? "'no'"
                                : t.precision == Precision::fp8  ? "fp8"
                                                                 : "bf16");
  yaml.plain("num_machines", number(job.cluster.nodes));
  yaml.plain("num_processes", number(job.cluster.devices()));
  if (p.zero > 0) {
    yaml.begin("fsdp_config");
    yaml.plain("fsdp_version", "2");
    yaml.plain("fsdp_reshard_after_forward", boolean(p.zero == 3 && t.reshard_after_forward));
    yaml.plain("fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP");
    yaml.plain("fsdp_activation_checkpointing", boolean(t.recompute == Recompute::full));
    yaml.plain("fsdp_offload_params", boolean(t.offload.weights > 0.0));
    yaml.plain("fsdp_state_dict_type", "SHARDED_STATE_DICT");
    yaml.plain("fsdp_cpu_ram_efficient_loading", "true");
    yaml.end();
  }
  yaml.begin("parallelism_config");
  yaml.plain("parallelism_config_dp_replicate_size", number(p.zero == 0 ? p.dp : p.shard_copies()));
  yaml.plain("parallelism_config_dp_shard_size", number(p.zero == 0 ? 1 : p.dp_shard.value_or(p.dp)));
  yaml.plain("parallelism_config_tp_size", number(p.tp));
  yaml.plain("parallelism_config_cp_size", number(p.cp));
  if (p.cp > 1)
    yaml.plain("parallelism_config_cp_comm_strategy", p.cp_style == CpStyle::ring ? "alltoall" : "allgather");
  yaml.end();
  if (t.compiled) {
    yaml.begin("dynamo_config");
    yaml.plain("dynamo_backend", "INDUCTOR");
    yaml.end();
  }
  unsaid.note(p.zero == 1 || p.zero == 2, "parallelism.zero", number(p.zero));
  unsaid.note(p.cp > 1 && p.cp_style == CpStyle::ulysses, "parallelism.cp_style", "ulysses");
  unsaid.note(p.sequence_parallel, "parallelism.sequence_parallel", "true");
  // What the script's training arguments say, not this file.
  unsaid.note(true, "training.micro_batch",
              fmt::format("{}, and {} accumulated (per_device_train_batch_size, gradient_accumulation_steps)",
                          t.micro_batch, job.micro_batches()));
  unsaid.note(true, "training.sequence_length", number(t.sequence_length) + " (max_length)");
  unsaid.note(t.optimizer != OptimizerKind::adamw, "training.optimizer",
              std::string(word_of(t.optimizer)) + " (optim)");
  unsaid.note(t.precision == Precision::mxfp8 || t.precision == Precision::nvfp4, "training.precision",
              std::string(word_of(t.precision)));
  unsaid.note(t.offload.optimizer != t.offload.weights, "training.offload.optimizer",
              fmt::format("{:g}", t.offload.optimizer));
  unsaid.note(t.offload.activations > 0.0, "training.offload.activations",
              fmt::format("{:g}", t.offload.activations));
  note_pipeline(job, unsaid);
  note_experts(job, unsaid);
  note_recompute_parts(job, unsaid);
  note_states(job, unsaid);
  note_loss(job, unsaid);
  note_documents(job, unsaid);
  note_lora(job, unsaid);
  return yaml.str();
}

}  // namespace foreshard::detail
