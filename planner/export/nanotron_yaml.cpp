#include <fmt/core.h>

#include "planner/export/exporters.hpp"
#include "planner/export/value_words.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard::detail {

namespace {

void write_parallelism(const JobSpec& job, MapWriter& yaml, Unsaid& unsaid) {
  const ParallelismSpec& p = job.parallelism;
  const TrainingSpec& t = job.training;
  yaml.begin("parallelism");
  yaml.plain("dp", number(p.dp));
  yaml.plain("pp", number(p.pp));
  yaml.plain("tp", number(p.tp));
  yaml.plain("pp_engine", t.schedule == ScheduleKind::gpipe ? "afab" : "1f1b");
  yaml.plain("tp_mode", p.sequence_parallel ? "REDUCE_SCATTER" : "ALL_REDUCE");
  yaml.plain("tp_linear_async_communication", boolean(t.overlap.tp != TpOverlap::none));
  yaml.plain("recompute_layer", boolean(t.recompute == Recompute::full));
  yaml.plain("expert_parallel_size", number(p.ep));
  yaml.plain("context_parallel_size", number(p.cp));
  yaml.end();
  unsaid.note(p.vp > 1, "parallelism.vp", number(p.vp));
  unsaid.note(p.pp > 1 && t.schedule != ScheduleKind::gpipe && t.schedule != ScheduleKind::one_f_one_b,
              "training.schedule", std::string(word_of(t.schedule)));
  unsaid.note(p.stage_policy != StagePolicy::even, "parallelism.stages",
              std::string(word_of(p.stage_policy)));
  unsaid.note(p.dp_shard.has_value(), "parallelism.dp_shard", number(p.dp_shard.value_or(p.dp)));
}

void write_model(const JobSpec& job, MapWriter& yaml, Unsaid& unsaid) {
  const ModelSpec& model = job.model;
  yaml.begin("model");
  yaml.plain("dtype", job.training.precision == Precision::fp32 ? "float32" : "bfloat16");
  yaml.plain("make_vocab_size_divisible_by", number(model.vocab_multiple));
  yaml.begin("model_config");
  yaml.plain("is_llama_config", "true");
  yaml.plain("hidden_size", number(model.hidden));
  yaml.plain("intermediate_size", number(model.ffn_hidden));
  yaml.plain("num_hidden_layers", number(model.layers));
  yaml.plain("num_attention_heads", number(model.heads));
  yaml.plain("num_key_value_heads", number(model.kv_heads));
  yaml.plain("vocab_size", number(model.vocab));
  yaml.plain("max_position_embeddings", number(job.training.sequence_length));
  yaml.plain("tie_word_embeddings", boolean(model.tied_embeddings));
  yaml.end();
  yaml.end();
  unsaid.note(model.ffn != FfnKind::swiglu, "model.ffn", std::string(word_of(model.ffn)));
  unsaid.note(model.norm != NormKind::rmsnorm, "model.norm", std::string(word_of(model.norm)));
  unsaid.note(model.mla.has_value(), "model.attention", "mla");
  unsaid.note(!model.layer_kinds.empty(), "model.layer_kinds", "layers that differ");
  unsaid.note(model.experts.has_value(), "model.experts", "say them in model_config.moe_config");
  unsaid.note(model.mtp.has_value(), "model.mtp", "prediction of further tokens");
}

}  // namespace

std::string nanotron_yaml(const JobSpec& job, Unsaid& unsaid) {
  const TrainingSpec& t = job.training;
  MapWriter yaml;
  yaml.begin("general");
  yaml.text("project", "foreshard");
  yaml.text("run", job.name);
  yaml.end();
  write_model(job, yaml, unsaid);
  write_parallelism(job, yaml, unsaid);
  yaml.begin("tokens");
  yaml.plain("sequence_length", number(t.sequence_length));
  yaml.plain("micro_batch_size", number(t.micro_batch));
  yaml.plain("batch_accumulation_per_replica", number(job.micro_batches()));
  yaml.plain("train_steps", number(static_cast<std::int64_t>(t.steps().value_or(100.0))));
  yaml.end();
  yaml.begin("optimizer");
  yaml.plain("zero_stage", number(job.parallelism.zero > 0 ? 1 : 0));
  yaml.plain("accumulate_grad_in_fp32", boolean(t.gradient_dtype == DType::fp32));
  yaml.begin("optimizer_factory");
  yaml.plain("name", t.optimizer == OptimizerKind::sgd ? "sgd" : "adamW");
  yaml.end();
  yaml.end();
  const bool is_known = t.optimizer == OptimizerKind::adamw || t.optimizer == OptimizerKind::adam ||
                        t.optimizer == OptimizerKind::sgd;
  unsaid.note(!is_known, "training.optimizer", std::string(word_of(t.optimizer)));
  unsaid.note(job.parallelism.zero > 1, "parallelism.zero", number(job.parallelism.zero));
  note_recompute_parts(job, unsaid);
  note_states(job, unsaid);
  note_offload(job.training, unsaid);
  unsaid.note(t.offload.optimizer > 0.0, "training.offload.optimizer",
              fmt::format("{:g}", t.offload.optimizer));
  note_low_precision(job, unsaid);
  note_loss(job, unsaid);
  note_documents(job, unsaid);
  note_lora(job, unsaid);
  return yaml.str();
}

}  // namespace foreshard::detail
