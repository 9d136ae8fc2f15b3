#include <algorithm>
#include <optional>
#include <variant>

#include <fmt/core.h>

#include "planner/export/exporters.hpp"
#include "planner/export/value_words.hpp"
#include "planner/spec/job/read_recompute.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/torchtitan/torchtitan_models.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::detail {

namespace {

/// The flavor whose bundled model has this one's name and sizes; null if torchtitan has none.
const TitanModel* flavor_of(const ModelSpec& model) {
  const auto models = titan_models();
  const auto found = std::find_if(models.begin(), models.end(), [&](const TitanModel& titan) {
    if (titan.layers != model.layers) return false;
    const ModelSpec bundled = load_model(std::string(titan.bundled));
    return bundled.name == model.name && bundled.hidden == model.hidden && bundled.vocab == model.vocab;
  });
  return found == models.end() ? nullptr : &*found;
}

std::string model_section(const JobSpec& job, Unsaid& unsaid) {
  const TrainingSpec& t = job.training;
  const TitanModel* const flavor = flavor_of(job.model);
  const bool is_mx = t.precision == Precision::mxfp8;
  const bool is_fp8 = t.precision == Precision::fp8;
  std::string text = "[model]\n";
  if (flavor != nullptr)
    text += fmt::format("name = \"{}\"\nflavor = \"{}\"\n", flavor->name, flavor->flavor);
  unsaid.note(flavor == nullptr, "model",
              job.model.name + ": torchtitan has no such flavor; name and flavor are yours to add");
  if (is_fp8 || is_mx) text += fmt::format("converters = [\"{}\"]\n", is_fp8 ? "float8" : "mx");
  unsaid.note(t.precision == Precision::nvfp4, "training.precision", "nvfp4");
  if (!is_fp8) return text;
  const bool rowwise = t.fp8_scaling == Fp8Scaling::rowwise;
  text += fmt::format("\n[float8]\nrecipe_name = \"{}\"\nenable_fsdp_float8_all_gather = {}\n",
                      rowwise ? "rowwise" : "tensorwise", boolean(t.low_precision.parameter_gather));
  unsaid.note(t.fp8_scaling == Fp8Scaling::delayed || t.fp8_scaling == Fp8Scaling::block,
              "training.fp8_scaling", std::string(word_of(t.fp8_scaling)));
  return text;
}

std::string training_section(const JobSpec& job) {
  const TrainingSpec& t = job.training;
  const bool has_stages = job.parallelism.pp > 1;
  std::string text = "\n[training]\n";
  // With pipeline stages the local batch is all that a rank puts through them; a part of it is the micro-batch.
  text += fmt::format("local_batch_size = {}\n",
                      has_stages ? t.micro_batch * job.micro_batches() : t.micro_batch);
  text += fmt::format("global_batch_size = {}\nseq_len = {}\n", t.global_batch, t.sequence_length);
  if (const auto steps = t.steps()) text += fmt::format("steps = {}\n", static_cast<std::int64_t>(*steps));
  text += fmt::format("mixed_precision_param = \"{}\"\nmixed_precision_reduce = \"{}\"\n",
                      t.precision == Precision::fp32 ? "float32" : "bfloat16",
                      t.gradient_dtype == DType::fp32 ? "float32" : "bfloat16");
  if (t.offload.optimizer > 0.0 && t.offload.weights > 0.0) text += "enable_cpu_offload = true\n";
  text += fmt::format("\n[compile]\nenable = {}\n", boolean(t.compiled));
  if (t.compiled)
    text += t.loss.compiled ? "components = [\"model\", \"loss\"]\n" : "components = [\"model\"]\n";
  return text;
}

std::string titan_schedule(const JobSpec& job, Unsaid& unsaid) {
  switch (job.training.schedule) {
    case ScheduleKind::gpipe: return "GPipe";
    case ScheduleKind::one_f_one_b: return "1F1B";
    case ScheduleKind::interleaved: return "Interleaved1F1B";
    case ScheduleKind::zero_bubble:
      unsaid.note(job.parallelism.vp == 1, "training.schedule",
                  "zero-bubble with one chunk per stage (InterleavedZeroBubble has at least two)");
      return "InterleavedZeroBubble";
    case ScheduleKind::zero_bubble_2p:
      unsaid.note(true, "training.schedule",
                  "zero-bubble-2p (InterleavedZeroBubble keeps half the activations)");
      return "InterleavedZeroBubble";
    case ScheduleKind::zb_v: return "ZBVZeroBubble";
    case ScheduleKind::dualpipe_v: return "DualPipeV";
  }
  return "1F1B";
}

std::string parallelism_section(const JobSpec& job, Unsaid& unsaid) {
  const ParallelismSpec& p = job.parallelism;
  std::string text = "\n[parallelism]\n";
  const auto say = [&](const char* key, std::int64_t value) { text += fmt::format("{} = {}\n", key, value); };
  say("data_parallel_replicate_degree", p.zero == 0 ? p.dp : p.shard_copies());
  say("data_parallel_shard_degree", p.zero == 0 ? 1 : p.dp_shard.value_or(p.dp));
  const bool reshards = p.zero == 3 && job.training.reshard_after_forward;
  if (p.zero > 0) text += fmt::format("fsdp_reshard_after_forward = \"{}\"\n", reshards ? "always" : "never");
  unsaid.note(p.zero == 1, "parallelism.zero", "1");
  say("tensor_parallel_degree", p.tp);
  if (p.tp > 1) {
    text += fmt::format("enable_async_tensor_parallel = {}\n",
                        boolean(job.training.overlap.tp == TpOverlap::full));
    unsaid.note(!p.sequence_parallel, "parallelism.sequence_parallel", "false");
  }
  say("pipeline_parallel_degree", p.pp);
  if (p.pp > 1) {
    text += fmt::format("pipeline_parallel_schedule = \"{}\"\n", titan_schedule(job, unsaid));
    say("pipeline_parallel_microbatch_size", job.training.micro_batch);
    if (p.vp > 1)
      say("pipeline_parallel_layers_per_stage", (job.model.layers + p.pp * p.vp - 1) / (p.pp * p.vp));
    unsaid.note(p.stage_policy != StagePolicy::even, "parallelism.stages",
                std::string(word_of(p.stage_policy)));
  }
  say("context_parallel_degree", p.cp);
  if (p.cp > 1) {
    text += fmt::format("context_parallel_rotate_method = \"{}\"\n",
                        p.cp_style == CpStyle::ring ? "alltoall" : "allgather");
    unsaid.note(p.cp_style == CpStyle::ulysses, "parallelism.cp_style", "ulysses");
  }
  if (job.model.experts) {
    say("expert_parallel_degree", p.ep);
    say("expert_tensor_parallel_degree", p.expert_tp());
  }
  return text;
}

std::string recompute_section(const TrainingSpec& t, Unsaid& unsaid) {
  std::string text = "\n[activation_checkpoint]\n";
  const auto* const share = std::get_if<ShareOfLayers>(&t.recompute_layers);
  const auto* const nth = std::get_if<EveryNthLayer>(&t.recompute_layers);
  const bool all = std::holds_alternative<AllLayers>(t.recompute_layers);
  if (t.recompute == Recompute::none) return text + "mode = \"none\"\n";
  if (t.recompute == Recompute::selective_ops)
    return text + "mode = \"selective\"\nselective_ac_option = \"op\"\n";
  if (t.recompute == Recompute::full && all) return text + "mode = \"full\"\n";
  if (t.recompute == Recompute::full && (share != nullptr || nth != nullptr)) {
    const std::int64_t period = nth != nullptr ? nth->n : static_cast<std::int64_t>(1.0 / share->share + 0.5);
    return text + fmt::format("mode = \"selective\"\nselective_ac_option = \"{}\"\n", period);
  }
  unsaid.note(true, "training.recompute", recompute_text(t));
  return text + "mode = \"selective\"\nselective_ac_option = \"op\"\n";
}

std::string optimizer_section(const TrainingSpec& t, Unsaid& unsaid) {
  std::string text =
      fmt::format("\n[optimizer]\nname = \"{}\"\n", t.optimizer == OptimizerKind::adam ? "Adam" : "AdamW");
  if (t.optimizer_in_backward) text += "early_step_in_backward = true\n";
  unsaid.note(t.optimizer != OptimizerKind::adam && t.optimizer != OptimizerKind::adamw, "training.optimizer",
              std::string(word_of(t.optimizer)));
  return text;
}

}  // namespace

std::string torchtitan_toml(const JobSpec& job, Unsaid& unsaid) {
  std::string text = model_section(job, unsaid) + training_section(job) + parallelism_section(job, unsaid) +
                     recompute_section(job.training, unsaid) + optimizer_section(job.training, unsaid);
  note_loss(job, unsaid, job.training.compiled);
  note_documents(job, unsaid);
  note_lora(job, unsaid);
  const OffloadSpec& offload = job.training.offload;
  const bool is_whole = offload == OffloadSpec{.optimizer = 1.0, .weights = 1.0} || !offload.any();
  unsaid.note(!is_whole, "training.offload",
              fmt::format("{{optimizer: {:g}, weights: {:g}, activations: {:g}}}", offload.optimizer,
                          offload.weights, offload.activations));
  unsaid.note(job.training.states.master != MasterWeights::fp32, "training.states.master",
              std::string(word_of(job.training.states.master)));
  unsaid.note(job.training.states.moments != MomentType::fp32, "training.states.moments",
              std::string(word_of(job.training.states.moments)));
  return text;
}

}  // namespace foreshard::detail
