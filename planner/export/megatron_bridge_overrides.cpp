#include <string>
#include <string_view>

#include <fmt/core.h>

#include "planner/export/argument_list.hpp"
#include "planner/export/exporters.hpp"
#include "planner/spec/job/read_recompute.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::detail {

namespace {

/// Overrides of a recipe, KEY=VALUE, one a line.
class Overrides {
 public:
  void say(std::string_view key, std::string_view value) {
    text_ += fmt::format("{}\n", shell_word(fmt::format("{}={}", key, value)));
  }
  void say(std::string_view key, const char* value) { say(key, std::string_view(value)); }
  void say(std::string_view key, std::int64_t value) { say(key, std::string_view(fmt::format("{}", value))); }
  void say(std::string_view key, bool value) { say(key, value ? "true" : "false"); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// The name of a mixed-precision recipe. Source: NVIDIA-NeMo/Megatron-Bridge,
/// src/megatron/bridge/training/mixed_precision.py.
const char* precision_recipe(const TrainingSpec& t) {
  switch (t.precision) {
    case Precision::fp16: return "fp16_mixed";
    case Precision::mxfp8: return "bf16_with_mxfp8_mixed";
    case Precision::nvfp4: return "bf16_with_nvfp4_mixed";
    case Precision::fp8:
      return t.fp8_scaling == Fp8Scaling::delayed ? "bf16_with_fp8_delayed_scaling_mixed"
             : t.fp8_scaling == Fp8Scaling::block ? "bf16_with_fp8_subchannel_scaling_mixed"
                                                  : "bf16_with_fp8_current_scaling_mixed";
    case Precision::fp32:
    case Precision::tf32:
    case Precision::bf16: break;
  }
  return "bf16_mixed";
}

void override_degrees(const JobSpec& job, Overrides& out, Unsaid& unsaid) {
  const ParallelismSpec& p = job.parallelism;
  out.say("model.tensor_model_parallel_size", p.tp);
  out.say("model.sequence_parallel", p.sequence_parallel);
  out.say("model.pipeline_model_parallel_size", p.pp);
  if (p.vp > 1) out.say("model.virtual_pipeline_model_parallel_size", p.vp);
  out.say("model.context_parallel_size", p.cp);
  if (job.model.experts) {
    out.say("model.expert_model_parallel_size", p.ep);
    out.say("model.expert_tensor_parallel_size", p.expert_tp());
  }
  out.say("ddp.use_distributed_optimizer", p.zero > 0);
  out.say("optimizer.use_distributed_optimizer", p.zero > 0);
  if (p.zero >= 2) {
    out.say("ddp.use_megatron_fsdp", true);
    out.say("ddp.data_parallel_sharding_strategy", p.zero == 2 ? "optim_grads" : "optim_grads_params");
  }
  if (p.dp_shard) out.say("ddp.num_distributed_optimizer_instances", p.shard_copies());
  unsaid.note(p.stage_policy != StagePolicy::even, "parallelism.stages",
              std::string(word_of(p.stage_policy)));
}

void override_training(const JobSpec& job, Overrides& out, Unsaid& unsaid) {
  const TrainingSpec& t = job.training;
  out.say("model.seq_length", t.sequence_length);
  out.say("dataset.seq_length", t.sequence_length);
  out.say("train.micro_batch_size", t.micro_batch);
  out.say("train.global_batch_size", t.global_batch);
  if (const auto steps = t.steps()) out.say("train.train_iters", static_cast<std::int64_t>(*steps));
  out.say("mixed_precision", precision_recipe(t));
  out.say("ddp.grad_reduce_in_fp32", t.gradient_dtype == DType::fp32);
  unsaid.note(t.precision == Precision::fp32 || t.precision == Precision::tf32, "training.precision",
              std::string(word_of(t.precision)));
  unsaid.note(t.precision == Precision::fp8 && t.fp8_scaling == Fp8Scaling::rowwise, "training.fp8_scaling",
              "rowwise");
  unsaid.note(t.low_precision.parameter_gather, "training.fp8_parameter_gather",
              "true (mixed_precision's fp8_param_gather)");
  if (t.recompute == Recompute::full) {
    out.say("model.recompute_granularity", "full");
    out.say("model.recompute_method", "uniform");
    out.say("model.recompute_num_layers", std::int64_t{1});
  } else if (t.recompute == Recompute::selective || t.recompute == Recompute::modules) {
    out.say("model.recompute_granularity", "selective");
    out.say("model.recompute_modules",
            t.recompute == Recompute::selective ? std::string("[core_attn]") : recompute_text(t));
  }
  unsaid.note(t.recompute == Recompute::selective_ops, "training.recompute", "selective-ops");
  unsaid.note(t.recompute_layers != RecomputeLayers{AllLayers{}}, "training.recompute_layers",
              recompute_layers_text(t.recompute_layers));
}

void override_overlap(const JobSpec& job, Overrides& out, Unsaid& unsaid) {
  const OverlapSpec& overlap = job.training.overlap;
  out.say("comm_overlap.tp_comm_overlap", overlap.tp == TpOverlap::full);
  out.say("ddp.overlap_grad_reduce", overlap.dp);
  out.say("ddp.overlap_param_gather", overlap.gather);
  if (job.training.fp8_activation_inputs) out.say("model.activation_func_fp8_input_store", true);
  if (!job.model.experts) return;
  const Dispatcher dispatcher = job.training.dispatcher;
  const bool is_flex = dispatcher == Dispatcher::deepep || dispatcher == Dispatcher::hybridep;
  out.say("model.moe_token_dispatcher_type", is_flex                                ? "flex"
                                             : dispatcher == Dispatcher::all_gather ? "allgather"
                                                                                    : "alltoall");
  if (is_flex) out.say("model.moe_flex_dispatcher_backend", word_of(dispatcher));
  if (job.training.dispatcher_sms)
    out.say(dispatcher == Dispatcher::deepep ? "model.moe_deepep_num_sms" : "model.moe_hybridep_num_sms",
            *job.training.dispatcher_sms);
  out.say("model.moe_shared_expert_overlap", overlap.ep == EpOverlap::shared);
  out.say("comm_overlap.overlap_moe_expert_parallel_comm", overlap.ep == EpOverlap::in_turns);
  out.say("comm_overlap.delay_wgrad_compute", job.training.delay_wgrad);
  unsaid.note(dispatcher == Dispatcher::loop, "training.dispatcher", "loop");
  unsaid.note(overlap.ep == EpOverlap::pipelined, "training.overlap.ep", "pipelined");
}

}  // namespace

std::string megatron_bridge_overrides(const JobSpec& job, Unsaid& unsaid) {
  Overrides out;
  override_degrees(job, out, unsaid);
  override_training(job, out, unsaid);
  override_overlap(job, out, unsaid);
  unsaid.note(true, "model", job.model.name + ", which the recipe says");
  unsaid.note(job.training.optimizer != OptimizerKind::adamw, "training.optimizer",
              std::string(word_of(job.training.optimizer)));
  unsaid.note(job.training.graphs != Graphs::none, "training.graphs",
              std::string(word_of(job.training.graphs)));
  note_states(job, unsaid);
  note_offload(job.training, unsaid);
  unsaid.note(job.training.offload.optimizer > 0.0, "training.offload.optimizer",
              fmt::format("{:g}", job.training.offload.optimizer));
  note_loss(job, unsaid);
  note_documents(job, unsaid);
  note_lora(job, unsaid);
  return out.text();
}

}  // namespace foreshard::detail
