#include <variant>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/export/megatron_arguments.hpp"
#include "planner/spec/job/read_recompute.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/units/count.hpp"

namespace foreshard::detail {

namespace {

void say_sharding(const JobSpec& job, ArgumentList& list) {
  const ParallelismSpec& p = job.parallelism;
  if (p.zero == 1) list.flag("--use-distributed-optimizer");
  if (p.zero >= 2) {
    list.flag("--use-megatron-fsdp");
    list.flag("--data-parallel-sharding-strategy", p.zero == 2 ? "optim_grads" : "optim_grads_params");
  }
  if (p.dp_shard) list.flag("--num-distributed-optimizer-instances", p.shard_copies());
}

/// Layers per piece as Megatron-LM writes a layout: Ettt|ttt|ttL.
std::string layout_of(const ParallelismSpec& p, const std::optional<MtpSpec>& mtp) {
  std::string layout;
  const auto pieces = static_cast<std::int64_t>(p.stage_layers.size());
  const std::int64_t mtp_piece = p.mtp_place ? p.mtp_place->piece : pieces - 1;
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    if (piece == 0) layout += 'E';
    const std::int64_t layers = p.stage_layers[static_cast<std::size_t>(piece)];
    if (layers > 0) layout += layers == 1 ? "t" : fmt::format("t*{}", layers);
    if (mtp && piece == mtp_piece) layout += std::string(static_cast<std::size_t>(mtp->modules), 'm');
    layout += piece + 1 == pieces ? "L" : "|";
  }
  return layout;
}

void say_pipeline(const JobSpec& job, ArgumentList& list, Unsaid& unsaid) {
  const ParallelismSpec& p = job.parallelism;
  list.flag("--pipeline-model-parallel-size", p.pp);
  if (p.pp == 1) return;
  if (p.vp > 1) list.flag("--num-virtual-stages-per-pipeline-rank", p.vp);
  if (p.stage_policy == StagePolicy::listed)
    list.flag("--pipeline-model-parallel-layout", layout_of(p, job.model.mtp));
  unsaid.note(p.stage_policy == StagePolicy::by_cost, "parallelism.stages", "by-cost");
  const ScheduleKind usual = p.vp > 1 ? ScheduleKind::interleaved : ScheduleKind::one_f_one_b;
  unsaid.note(job.training.schedule != usual, "training.schedule",
              std::string(word_of(job.training.schedule)));
}

void say_degrees(const JobSpec& job, ArgumentList& list, Unsaid& unsaid) {
  const ParallelismSpec& p = job.parallelism;
  list.flag("--tensor-model-parallel-size", p.tp);
  if (p.sequence_parallel) list.flag("--sequence-parallel");
  say_pipeline(job, list, unsaid);
  if (p.cp > 1) {
    list.flag("--context-parallel-size", p.cp);
    list.flag("--cp-comm-type", p.cp_style == CpStyle::ring         ? "p2p"
                                : p.cp_style == CpStyle::all_gather ? "all_gather"
                                                                    : "a2a");
  }
  if (job.model.experts) {
    list.flag("--expert-model-parallel-size", p.ep);
    list.flag("--expert-tensor-parallel-size", p.expert_tp());
  }
  say_sharding(job, list);
}

void say_narrow_precision(const TrainingSpec& t, ArgumentList& list, Unsaid& unsaid) {
  if (t.precision == Precision::nvfp4) {
    list.flag("--fp4-format", "e2m1");
    list.flag("--fp4-recipe", "nvfp4");
  } else {
    list.flag("--fp8-format", "hybrid");
    const bool is_mx = t.precision == Precision::mxfp8;
    list.flag("--fp8-recipe", is_mx                                  ? "mxfp8"
                              : t.fp8_scaling == Fp8Scaling::block   ? "blockwise"
                              : t.fp8_scaling == Fp8Scaling::delayed ? "delayed"
                                                                     : "tensorwise");
    unsaid.note(!is_mx && t.fp8_scaling == Fp8Scaling::rowwise, "training.fp8_scaling", "rowwise");
  }
  const LowPrecisionSpec& low = t.low_precision;
  if (low.parameter_gather) list.flag("--fp8-param-gather");
  if (low.attention == AttentionPrecision::fp8) list.flag("--fp8-dot-product-attention");
  if (low.bf16_first + low.bf16_last > 0) {
    list.flag("--first-last-layers-bf16");
    list.flag("--num-layers-at-start-in-bf16", low.bf16_first);
    list.flag("--num-layers-at-end-in-bf16", low.bf16_last);
  }
}

void say_precision(const TrainingSpec& t, ArgumentList& list, Unsaid& unsaid) {
  switch (t.precision) {
    case Precision::fp32: break;
    case Precision::tf32: unsaid.note(true, "training.precision", "tf32"); break;
    case Precision::fp16: list.flag("--fp16"); break;
    case Precision::bf16: list.flag("--bf16"); break;
    case Precision::fp8:
    case Precision::mxfp8:
    case Precision::nvfp4:
      list.flag("--bf16");
      say_narrow_precision(t, list, unsaid);
      break;
  }
  if (t.gradient_dtype == DType::bf16) list.flag("--grad-reduce-in-bf16");
}

void say_recompute(const TrainingSpec& t, ArgumentList& list, Unsaid& unsaid) {
  const bool all_layers = t.recompute_layers == RecomputeLayers{AllLayers{}};
  const auto* const first = std::get_if<FirstLayers>(&t.recompute_layers);
  switch (t.recompute) {
    case Recompute::none: return;
    case Recompute::selective_ops:
      return unsaid.note(true, "training.recompute", std::string(word_of(t.recompute)));
    case Recompute::selective: list.flag("--recompute-granularity", "selective"); break;
    case Recompute::modules: {
      list.flag("--recompute-granularity", "selective");
      std::string modules;
      for (const RecomputeModule which : t.recompute_modules)
        modules += (modules.empty() ? "" : " ") + std::string(word_of(which));
      list.flag("--recompute-modules " + modules);
      break;
    }
    case Recompute::full:
      list.flag("--recompute-granularity", "full");
      list.flag("--recompute-method", first != nullptr ? "block" : "uniform");
      list.flag("--recompute-num-layers", first != nullptr ? first->count : 1);
      break;
  }
  const bool is_said = all_layers || (t.recompute == Recompute::full && first != nullptr);
  unsaid.note(!is_said, "training.recompute_layers", recompute_layers_text(t.recompute_layers));
}

void say_optimizer(const TrainingSpec& t, ArgumentList& list, Unsaid& unsaid) {
  switch (t.optimizer) {
    case OptimizerKind::adamw:
    case OptimizerKind::adam: list.flag("--optimizer", "adam"); break;
    case OptimizerKind::sgd: list.flag("--optimizer", "sgd"); break;
    case OptimizerKind::muon: list.flag("--optimizer", "muon"); break;
    case OptimizerKind::lion: list.flag("--optimizer", "lion"); break;
    case OptimizerKind::adamw_8bit:
    case OptimizerKind::adafactor:
      unsaid.note(true, "training.optimizer", std::string(word_of(t.optimizer)));
      break;
  }
  const bool remainders = t.states.master == MasterWeights::fp32_remainder;
  const bool known_moments = t.states.moments == MomentType::bf16 || t.states.moments == MomentType::fp16 ||
                             t.states.moments == MomentType::fp8;
  if (remainders || known_moments) {
    list.flag("--use-precision-aware-optimizer");
    if (remainders) list.flag("--main-params-dtype", "fp16");
    if (known_moments) {
      list.flag("--exp-avg-dtype", word_of(t.states.moments));
      list.flag("--exp-avg-sq-dtype", word_of(t.states.moments));
    }
  }
  if (t.offload.optimizer > 0.0) {
    list.flag("--optimizer-cpu-offload");
    list.flag("--optimizer-offload-fraction", fmt::format("{:g}", t.offload.optimizer));
  }
  note_offload(t, unsaid);
  unsaid.note(!has_fp32_weights(t.states.master), "training.states.master",
              std::string(word_of(t.states.master)));
  unsaid.note(!known_moments && t.states.moments != MomentType::fp32, "training.states.moments",
              std::string(word_of(t.states.moments)));
  unsaid.note(t.optimizer_in_backward, "training.optimizer_in_backward", "true");
  unsaid.note(t.optimizer_post_validation, "training.optimizer_post_validation", "true");
}

void say_overlap(const JobSpec& job, ArgumentList& list, Unsaid& unsaid) {
  const OverlapSpec& overlap = job.training.overlap;
  if (overlap.dp) {
    list.flag("--overlap-grad-reduce");
    if (overlap.gather) list.flag("--overlap-param-gather");
  }
  if (job.parallelism.tp > 1) {
    if (overlap.tp == TpOverlap::full) list.flag("--tp-comm-overlap");
    unsaid.note(overlap.tp == TpOverlap::none, "training.overlap.tp", "none");
  }
  const bool interleaved = job.parallelism.vp > 1;
  if (interleaved && !overlap.pp) list.flag("--no-overlap-p2p-communication");
  unsaid.note(!interleaved && overlap.pp && job.parallelism.pp > 1, "training.overlap.pp", "true");
  if (overlap.ep == EpOverlap::shared) list.flag("--moe-shared-expert-overlap");
  if (overlap.ep == EpOverlap::in_turns) list.flag("--overlap-moe-expert-parallel-comm");
  if (job.training.delay_wgrad) list.flag("--delay-wgrad-compute");
  unsaid.note(overlap.ep == EpOverlap::pipelined, "training.overlap.ep", "pipelined");
  unsaid.note(job.training.fp8_activation_inputs, "training.activation_func_fp8_input_store", "true");
}

void say_dispatch(const TrainingSpec& t, ArgumentList& list, Unsaid& unsaid) {
  switch (t.dispatcher) {
    case Dispatcher::all_to_all: list.flag("--moe-token-dispatcher-type", "alltoall"); break;
    case Dispatcher::all_gather: list.flag("--moe-token-dispatcher-type", "allgather"); break;
    case Dispatcher::deepep:
    case Dispatcher::hybridep:
      list.flag("--moe-token-dispatcher-type", "flex");
      list.flag("--moe-flex-dispatcher-backend", word_of(t.dispatcher));
      if (t.dispatcher_sms)
        list.flag(t.dispatcher == Dispatcher::deepep ? "--moe-deepep-num-sms" : "--moe-hybridep-num-sms",
                  fmt::format("{}", *t.dispatcher_sms));
      break;
    case Dispatcher::loop: unsaid.note(true, "training.dispatcher", "loop"); break;
  }
  list.flag("--moe-grouped-gemm");
  if (t.fused_routing) list.flag("--moe-router-fusion");
  if (t.fused_permutation)
    list.flag(t.dispatcher == Dispatcher::hybridep ? "--moe-permute-fusion-into-hybridep"
                                                   : "--moe-permute-fusion");
  if (!t.expert_capacity) return;
  list.flag("--moe-expert-capacity-factor", fmt::format("{:g}", t.expert_capacity->factor));
  if (t.expert_capacity->pad) list.flag("--moe-pad-expert-input-to-capacity");
}

void say_kernels(const TrainingSpec& t, ArgumentList& list, Unsaid& unsaid) {
  if (t.attention == AttentionKind::unfused)
    list.flag("--attention-backend", "unfused");
  else if (t.flash)
    list.flag("--attention-backend", *t.flash == FlashVersion::cudnn ? "fused" : "flash");
  const std::string_view dropout = t.dropout ? "0.1" : "0.0";
  list.flag("--hidden-dropout", dropout);
  list.flag("--attention-dropout", dropout);
  if (t.loss.fused) list.flag("--cross-entropy-loss-fusion");
  unsaid.note(t.loss.chunks > 1, "training.loss.chunks", fmt::format("{}", t.loss.chunks));
  unsaid.note(!t.loss.sharded, "training.loss.sharded", "false");
  if (t.graphs == Graphs::none) return;
  list.flag("--cuda-graph-impl", t.graphs == Graphs::full ? "local" : "transformer_engine");
  if (t.graphs == Graphs::full) list.flag("--cuda-graph-scope", "full_iteration");
}

void say_batches(const JobSpec& job, ArgumentList& list) {
  const TrainingSpec& t = job.training;
  list.flag("--seq-length", t.sequence_length);
  list.flag("--micro-batch-size", t.micro_batch);
  list.flag("--global-batch-size", t.global_batch);
  if (const auto steps = t.steps())
    list.flag("--train-samples", checked_product(static_cast<std::int64_t>(*steps), t.global_batch));
}

}  // namespace

ArgumentList megatron_training_arguments(const JobSpec& job, Unsaid& unsaid) {
  ArgumentList list;
  say_degrees(job, list, unsaid);
  say_batches(job, list);
  say_precision(job.training, list, unsaid);
  say_recompute(job.training, list, unsaid);
  say_optimizer(job.training, list, unsaid);
  say_overlap(job, list, unsaid);
  if (job.model.experts) say_dispatch(job.training, list, unsaid);
  say_kernels(job.training, list, unsaid);
  note_lora(job, unsaid);
  note_documents(job, unsaid);
  return list;
}

}  // namespace foreshard::detail
