#include <nlohmann/json.hpp>

#include "planner/export/exporters.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::detail {

namespace {

using Json = nlohmann::ordered_json;

Json optimizer_of(const TrainingSpec& t, Unsaid& unsaid) {
  const auto typed = [](const char* type) {
    return Json{{"type", type}, {"params", {{"lr", "auto"}, {"weight_decay", "auto"}}}};
  };
  switch (t.optimizer) {
    case OptimizerKind::adamw: return typed("AdamW");
    case OptimizerKind::adam: return typed("Adam");
    case OptimizerKind::lion: return typed("Lion");
    case OptimizerKind::muon: return typed("Muon");
    case OptimizerKind::sgd:
    case OptimizerKind::adamw_8bit:
    case OptimizerKind::adafactor: break;
  }
  unsaid.note(true, "training.optimizer", std::string(word_of(t.optimizer)) + ", which the client makes");
  return nullptr;
}

Json zero_of(const JobSpec& job, Unsaid& unsaid) {
  const ParallelismSpec& p = job.parallelism;
  Json zero{{"stage", p.zero}, {"overlap_comm", job.training.overlap.dp}, {"contiguous_gradients", true}};
  // The framework's bucket is one of 16-bit gradients.
  const std::int64_t bucket = job.training.buckets.reduce.value_or(job.conventions().bucket.value() / 2);
  if (bucket > 0) zero["reduce_bucket_size"] = bucket;
  const OffloadSpec& offload = job.training.offload;
  if (offload.optimizer > 0.0) {
    zero["offload_optimizer"] = {{"device", "cpu"}, {"pin_memory", true}};
    if (offload.optimizer < 1.0) zero["offload_optimizer"]["ratio"] = offload.optimizer;
  }
  if (offload.weights > 0.0) zero["offload_param"] = {{"device", "cpu"}, {"pin_memory", true}};
  unsaid.note(offload.weights > 0.0 && offload.weights < 1.0, "training.offload.weights",
              std::to_string(offload.weights) + " (DeepSpeed moves all)");
  unsaid.note(offload.activations > 0.0, "training.offload.activations",
              std::to_string(offload.activations) + " (cpu_checkpointing, in code)");
  if (p.zero_hpz) zero["zero_hpz_partition_size"] = *p.zero_hpz;
  if (p.zero_quantized_weights) zero["zero_quantized_weights"] = true;
  if (p.zero_quantized_gradients) zero["zero_quantized_gradients"] = true;
  const BucketSpec& buckets = job.training.buckets;
  if (buckets.prefetch) zero["stage3_prefetch_bucket_size"] = *buckets.prefetch;
  if (buckets.live) zero["stage3_max_live_parameters"] = *buckets.live;
  if (p.zero == 3 && p.dp_shard) zero["mics_shard_size"] = *p.dp_shard;
  unsaid.note(p.zero != 3 && p.dp_shard.has_value(), "parallelism.dp_shard",
              std::to_string(p.dp_shard.value_or(p.dp)));
  return zero;
}

}  // namespace

std::string deepspeed_json(const JobSpec& job, Unsaid& unsaid) {
  const ParallelismSpec& p = job.parallelism;
  const TrainingSpec& t = job.training;
  Json config;
  config["train_batch_size"] = t.global_batch;
  config["train_micro_batch_size_per_gpu"] = t.micro_batch;
  config["gradient_accumulation_steps"] = job.micro_batches();
  if (t.precision == Precision::fp16)
    config["fp16"] = {{"enabled", true}};
  else if (t.precision != Precision::fp32 && t.precision != Precision::tf32)
    config["bf16"] = {{"enabled", true}};
  config["data_types"] = {{"grad_accum_dtype", std::string(word_of(t.gradient_dtype))}};
  config["zero_optimization"] = zero_of(job, unsaid);
  if (Json optimizer = optimizer_of(t, unsaid); !optimizer.is_null())
    config["optimizer"] = std::move(optimizer);
  if (p.tp > 1) config["tensor_parallel"] = {{"autotp_size", p.tp}};
  config["gradient_clipping"] = 1.0;
  // What the model's own code switches on, not this file.
  unsaid.note(p.cp > 1, "parallelism.cp", std::to_string(p.cp) + " (Ulysses is set up in code)");
  unsaid.note(t.recompute == Recompute::full, "training.recompute", "full (gradient_checkpointing_enable())");
  unsaid.note(p.sequence_parallel, "parallelism.sequence_parallel", "true");
  note_recompute_parts(job, unsaid);
  note_pipeline(job, unsaid);
  note_experts(job, unsaid);
  note_states(job, unsaid);
  note_low_precision(job, unsaid);
  note_loss(job, unsaid);
  note_documents(job, unsaid);
  note_lora(job, unsaid);
  // JSON has no comments; DeepSpeed reads no key of this name.
  if (!unsaid.keys().empty()) config["_no_option_for"] = unsaid.keys();
  return config.dump(2) + "\n";
}

}  // namespace foreshard::detail
