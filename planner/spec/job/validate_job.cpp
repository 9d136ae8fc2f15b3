#include "planner/spec/job/validate_job.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <string_view>

#include <fmt/core.h>

#include "planner/spec/job/countable.hpp"
#include "planner/spec/job/validate_parts.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard {
namespace {

using Findings = std::vector<Illegality>;

// ---- Tensor parallelism.

/// Why heads of one kind of layer do not split over tp; empty if they do.
std::string heads_objection(std::int64_t heads, std::int64_t kv_heads, std::int64_t tp) {
  if (heads % tp != 0) return fmt::format("{} does not divide the model's {} heads", tp, heads);
  // With more ranks than kv heads, each kv head is kept by tp / kv_heads ranks.
  if (kv_heads % tp != 0 && tp % kv_heads != 0)
    return fmt::format("{} neither divides nor is a multiple of the model's {} kv heads", tp, kv_heads);
  return {};
}

/// The most important reason why this tp cannot shard the model; empty if it can.
std::string tp_objection(const JobSpec& job, std::int64_t tp) {
  const LayerPattern pattern = layer_pattern(job.model, job.training.sequence_length);
  for (const LayerKind& kind : pattern.kinds) {
    std::string objection;
    if (const auto* softmax = std::get_if<SoftmaxAttention>(&kind.mixer))
      objection = heads_objection(softmax->heads, softmax->kv_heads, tp);
    if (const auto* latent = std::get_if<LatentAttention>(&kind.mixer))
      objection = heads_objection(latent->heads, job.model.kv_heads, tp);
    if (objection.empty()) objection = detail::linear_objection(kind.mixer, tp);
    if (objection.empty() && tp > 1) objection = detail::whole_objection(job.model, kind.mixer);
    if (!objection.empty()) return objection;
    if (kind.ffn == FeedForward::dense && kind.ffn_hidden.value_or(tp) % tp != 0)
      return fmt::format("{} does not divide the FFN hidden size of {} of kind '{}'", tp, *kind.ffn_hidden,
                         kind.name);
  }
  if (pattern.has(FeedForward::dense) && job.model.ffn_hidden % tp != 0)
    return fmt::format("{} does not divide the model's FFN hidden size of {}", tp, job.model.ffn_hidden);
  return {};
}

/// The largest degree that a complaint suggests.
constexpr std::int64_t kMostTpListed = 65'536;

/// "allowed here: 1, 2, 4, 8 (16 and more would leave this node of 8 devices)"
std::string allowed_tp(const JobSpec& job) {
  std::string inside_node;
  std::int64_t first_outside = 0;
  const std::int64_t most = std::min({job.model.heads, job.cluster.devices(), kMostTpListed});
  for (std::int64_t tp = 1; tp <= most && first_outside == 0; ++tp) {
    if (!tp_objection(job, tp).empty()) continue;
    if (tp > job.cluster.devices_per_node)
      first_outside = tp;
    else
      inside_node += fmt::format("{}{}", inside_node.empty() ? "" : ", ", tp);
  }
  std::string text = "allowed here: " + inside_node;
  if (first_outside != 0)
    text += fmt::format(" ({} and more would leave this node of {} device{})", first_outside,
                        job.cluster.devices_per_node, job.cluster.devices_per_node == 1 ? "" : "s");
  return text;
}

void check_tensor_parallel(const JobSpec& job, Findings& findings) {
  const std::string objection = tp_objection(job, job.parallelism.tp);
  if (!objection.empty()) findings.push_back({"parallelism.tp", objection, allowed_tp(job)});
}

// ---- Devices and what is split over dp and cp.

/// True if tp is wrong and dp equals devices / (tp·pp·cp): dp will change with tp, so complaints
/// about dp would only repeat the one about tp.
bool dp_follows_wrong_tp(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  const std::int64_t others = checked_product(p.tp, p.pp, p.cp);
  const std::int64_t left = std::max<std::int64_t>(job.cluster.devices() / others, 1);
  return p.dp == left && !tp_objection(job, p.tp).empty();
}

void check_devices(const JobSpec& job, Findings& findings) {
  const std::int64_t available = job.cluster.devices();
  if (available > std::numeric_limits<std::int32_t>::max()) {
    findings.push_back(
        {"cluster.nodes", fmt::format("{} devices are more than can be numbered", available),
         fmt::format("allowed here: up to {} devices", std::numeric_limits<std::int32_t>::max())});
    return;
  }
  const ParallelismSpec& p = job.parallelism;
  const std::int64_t used = checked_product(p.tp, p.pp, p.cp, p.dp);
  if (used == available || dp_follows_wrong_tp(job)) return;
  const std::int64_t others = used / p.dp;
  std::string allowed;
  if (available % others == 0) allowed = fmt::format("allowed here: dp {}", available / others);
  findings.push_back({"parallelism",
                      fmt::format("tp {} × pp {} × cp {} × dp {} is {} devices, the cluster has {}", p.tp,
                                  p.pp, p.cp, p.dp, used, available),
                      allowed});
}

void check_batch(const JobSpec& job, Findings& findings) {
  if (dp_follows_wrong_tp(job)) return;
  const std::int64_t per_round = checked_product(job.parallelism.dp, job.training.micro_batch);
  if (job.training.global_batch % per_round != 0) {
    findings.push_back({"training.global_batch",
                        fmt::format("{} sequences do not split over dp {} × micro_batch {}",
                                    job.training.global_batch, job.parallelism.dp, job.training.micro_batch),
                        fmt::format("allowed here: multiples of {}", per_round)});
    return;
  }
  const std::int64_t micro_batches = job.training.global_batch / per_round;
  if (job.training.schedule == ScheduleKind::interleaved && micro_batches % job.parallelism.pp != 0)
    findings.push_back(
        {"training.global_batch",
         fmt::format("{} micro-batches do not make whole groups of pp {}, as the interleaved "
                     "schedule needs",
                     micro_batches, job.parallelism.pp),
         fmt::format("allowed here: multiples of {}", checked_product(per_round, job.parallelism.pp))});
  if (job.training.schedule == ScheduleKind::dualpipe_v && micro_batches < 2 * job.parallelism.pp)
    findings.push_back(
        {"training.global_batch",
         fmt::format("dualpipe-v needs two micro-batches for each of pp {}, and there are {}",
                     job.parallelism.pp, micro_batches),
         fmt::format("allowed here: at least {}", checked_product(2, per_round, job.parallelism.pp))});
}

void check_sequence_parallel(const JobSpec& job, Findings& findings) {
  const ParallelismSpec& p = job.parallelism;
  if (!p.sequence_parallel || !tp_objection(job, p.tp).empty()) return;
  const std::int64_t tokens = checked_product(job.training.sequence_length, job.training.micro_batch) / p.cp;
  if (tokens % p.tp != 0)
    findings.push_back({"parallelism.sequence_parallel",
                        fmt::format("a micro-batch of {} tokens does not split over tp {}", tokens, p.tp),
                        ""});
}

void check_zero(const JobSpec& job, Findings& findings) {
  if (job.parallelism.zero < 0 || job.parallelism.zero > 3)
    findings.push_back({"parallelism.zero", fmt::format("there is no ZeRO stage {}", job.parallelism.zero),
                        "allowed here: 0, 1, 2, 3"});
}

/// Checks what ZeRO++ asks for.
void check_zero_plus(const JobSpec& job, Findings& findings) {
  const ParallelismSpec& p = job.parallelism;
  const auto refuse = [&](const char* key, std::string message, std::string allowed) {
    findings.push_back({std::string("parallelism.") + key, std::move(message), std::move(allowed)});
  };
  const char* const said = p.zero_quantized_weights     ? "zero_quantized_weights"
                           : p.zero_quantized_gradients ? "zero_quantized_gradients"
                           : p.zero_hpz                 ? "zero_hpz"
                                                        : nullptr;
  if (said == nullptr || dp_follows_wrong_tp(job)) return;
  const char* const off =
      p.zero_quantized_weights || p.zero_quantized_gradients ? "allowed here: false" : "leave it out";
  if (p.zero < 3) return refuse(said, fmt::format("zero {} does not cut weights", p.zero), "needs zero 3");
  if (job.model.experts) return refuse(said, "with experts it is not planned by this version", off);
  if (p.dp_shard) return refuse(said, "with dp_shard it is not planned by this version", off);
  if (!job.training.reshard_after_forward)
    return refuse(said, "with reshard_after_forward: false it is not planned by this version", off);
  if (job.training.offload.weights > 0.0 || job.training.low_precision.parameter_gather)
    return refuse(said, "with offloaded weights or gathers in fp8 it is not planned by this version", off);
  if (p.zero_hpz && (*p.zero_hpz < 1 || p.dp % *p.zero_hpz != 0))
    refuse("zero_hpz", fmt::format("{} does not divide dp {}", *p.zero_hpz, p.dp), "allowed here: a divisor");
  if (p.zero_hpz && p.zero_quantized_gradients && *p.zero_hpz != p.replicas_of_node)
    refuse("zero_hpz",
           fmt::format("gradients are scattered over the {} replicas of a node, weights over {}",
                       p.replicas_of_node, *p.zero_hpz),
           fmt::format("allowed here: {}", p.replicas_of_node));
}

/// Checks that the shards of ZeRO divide evenly over a part of the replicas, of dense weights and of experts.
void check_shards(const JobSpec& job, Findings& findings) {
  const ParallelismSpec& p = job.parallelism;
  if (!job.training.reshard_after_forward && (p.zero < 3 || p.pp > 1))
    findings.push_back({"training.reshard_after_forward",
                        p.zero < 3 ? fmt::format("zero {} gathers no weights in forward", p.zero)
                                   : "with pipeline stages it is not planned by this version",
                        "allowed here: true"});
  check_zero_plus(job, findings);
  if (!p.dp_shard || dp_follows_wrong_tp(job)) return;
  if (*p.dp_shard < 1 || p.dp % *p.dp_shard != 0) {
    findings.push_back({"parallelism.dp_shard", fmt::format("{} does not divide dp {}", *p.dp_shard, p.dp),
                        "allowed here: a divisor"});
    return;
  }
  if (p.shard_copies() == 1) return;
  if (p.zero == 0)
    findings.push_back(
        {"parallelism.dp_shard", "without ZeRO nothing is sharded over dp", "allowed here: zero 1, 2 or 3"});
  if (job.model.experts && p.expert_replicas() % p.shard_copies() != 0)
    findings.push_back({"parallelism.dp_shard",
                        fmt::format("{} copies of each shard do not divide the {} replicas of an expert",
                                    p.shard_copies(), p.expert_replicas()),
                        ""});
}

// ---- Stages and schedules.

void check_listed_stages(const JobSpec& job, Findings& findings) {
  const ParallelismSpec& p = job.parallelism;
  const auto size = static_cast<std::int64_t>(p.stage_layers.size());
  const std::int64_t pieces = checked_product(p.pp, p.vp);
  if (size != p.pp && size != pieces) {
    const std::string per_chunk = p.vp > 1 ? fmt::format(" or {}, one per chunk", pieces) : "";
    findings.push_back({"parallelism.stages", fmt::format("{} layer counts for {} stages", size, p.pp),
                        fmt::format("allowed here: {} counts, one per stage{}", p.pp, per_chunk)});
    return;
  }
  std::int64_t sum = 0;
  for (const std::int64_t count : p.stage_layers) sum = detail::checked_add(sum, count, "layers");
  if (sum != job.model.layers)
    findings.push_back({"parallelism.stages",
                        fmt::format("the counts sum to {} layers, the model has {}", sum, job.model.layers),
                        ""});
}

/// Checks where a layout has multi-token prediction.
void check_mtp_place(const JobSpec& job, Findings& findings) {
  const ParallelismSpec& p = job.parallelism;
  const std::int64_t modules = job.model.mtp ? job.model.mtp->modules : 0;
  if (!p.mtp_place) return;
  if (p.mtp_place->modules != modules) {
    findings.push_back({"parallelism.stages",
                        fmt::format("the layout has {} × m, the model {} modules of multi-token prediction",
                                    p.mtp_place->modules, modules),
                        "model.mtp says how many: {layers: 1}"});
    return;
  }
  const std::int64_t pieces = checked_product(p.pp, p.vp);
  if (p.mtp_place->piece < pieces - 2)
    findings.push_back({"parallelism.stages",
                        "stages between m and L would have to pass on both their outputs",
                        "m stands with L, or on the stage before it"});
  if (job.model.tied_embeddings && p.table_copy_stage() != p.pp - 1)
    findings.push_back({"parallelism.stages",
                        "with tied embeddings, m on a stage before L needs a third copy of the table",
                        "put m on the stage of L"});
}

void check_stages(const JobSpec& job, Findings& findings) {
  const ParallelismSpec& p = job.parallelism;
  check_mtp_place(job, findings);
  if (p.stage_policy == StagePolicy::listed) return check_listed_stages(job, findings);
  if (checked_product(p.pp, p.vp) <= job.model.layers) return;
  if (p.vp == 1 || p.pp > job.model.layers)
    findings.push_back({"parallelism.pp",
                        fmt::format("{} stages are more than the model's {} layers", p.pp, job.model.layers),
                        fmt::format("allowed here: at most {}", job.model.layers)});
  else
    findings.push_back({"parallelism.vp",
                        fmt::format("pp {} × vp {} is {} chunks, the model has {} layers", p.pp, p.vp,
                                    p.pp * p.vp, job.model.layers),
                        fmt::format("allowed here: at most {}", job.model.layers / p.pp)});
}

/// Checks a schedule that computes weight gradients in passes of their own.
void check_split_schedule(const JobSpec& job, Findings& findings) {
  const ParallelismSpec& p = job.parallelism;
  const ScheduleKind kind = job.training.schedule;
  const std::string name(word_of(kind));
  const bool in_v = kind == ScheduleKind::zb_v || kind == ScheduleKind::dualpipe_v;
  if (p.pp < 2)
    findings.push_back({"parallelism.pp", fmt::format("the {} schedule needs several stages", name),
                        "allowed here: at least 2"});
  if (!in_v && p.vp > 1)
    findings.push_back({"parallelism.vp", fmt::format("the {} schedule runs one chunk per stage", name),
                        "allowed here: 1, or the interleaved schedule"});
  if (in_v && p.vp != 2)
    findings.push_back({"parallelism.vp", fmt::format("the {} schedule runs two chunks per stage", name),
                        "allowed here: 2"});
  if (in_v && p.mtp_place)
    findings.push_back(
        {"parallelism.stages",
         fmt::format("a layout that places multi-token prediction is not planned with {}", name),
         "leave m out"});
  // From ZeRO-2 on gradients are scattered after each backward pass, but with a split backward most of
  // them are complete only after the weight pass.
  if (p.zero >= 2)
    findings.push_back(
        {"parallelism.zero",
         fmt::format("ZeRO-{} with the {} schedule is not planned by this version", p.zero, name),
         "allowed here: 0, 1"});
}

void check_schedule(const JobSpec& job, Findings& findings) {
  const ParallelismSpec& p = job.parallelism;
  switch (job.training.schedule) {
    case ScheduleKind::zero_bubble:
    case ScheduleKind::zero_bubble_2p:
    case ScheduleKind::zb_v:
    case ScheduleKind::dualpipe_v: return check_split_schedule(job, findings);
    case ScheduleKind::interleaved:
      if (p.vp < 2)
        findings.push_back({"parallelism.vp", "the interleaved schedule needs several chunks per stage",
                            "allowed here: at least 2"});
      if (p.pp < 2)
        findings.push_back(
            {"parallelism.pp", "the interleaved schedule needs several stages", "allowed here: at least 2"});
      return;
    case ScheduleKind::gpipe:
    case ScheduleKind::one_f_one_b:
      if (p.vp > 1)
        findings.push_back({"training.schedule", fmt::format("vp {} needs the interleaved schedule", p.vp),
                            "allowed here: interleaved"});
      return;
  }
}

// ---- The model and its arithmetic.

void check_heads(const SoftmaxAttention& attention, Findings& findings) {
  if (attention.heads % attention.kv_heads != 0)
    findings.push_back(
        {"model.kv_heads",
         fmt::format("{} does not divide the model's {} heads", attention.kv_heads, attention.heads), ""});
  if (attention.rope && attention.head_dim % 2 != 0)
    findings.push_back(
        {"model.head_dim", fmt::format("{} is odd, rotary positions turn pairs", attention.head_dim), ""});
}

void check_model(const JobSpec& job, Findings& findings) {
  const ModelSpec& model = job.model;
  for (const LayerKind& kind : layer_pattern(model, job.training.sequence_length).kinds) {
    if (const auto* softmax = std::get_if<SoftmaxAttention>(&kind.mixer)) check_heads(*softmax, findings);
    if (model.norms_per_layer == 1 && !(has_mixer(kind) && has_ffn(kind)))
      findings.push_back({"model.norms_per_layer",
                          "one norm per layer is that of attention and FFN side by side, and layers of the "
                          "kind '" +
                              kind.name + "' have only one of them",
                          "allowed here: 2, 4"});
    else if (model.parallel_residual && !(has_mixer(kind) && has_ffn(kind)))
      findings.push_back({"model.parallel_residual",
                          "layers of the kind '" + kind.name + "' have only one of attention and FFN",
                          "allowed here: false"});
  }
  if (model.positions == Positions::learned && model.max_positions > 0 &&
      job.training.sequence_length > model.max_positions)
    findings.push_back({"training.sequence_length",
                        fmt::format("{} is more than the {} positions that the model learns",
                                    job.training.sequence_length, model.max_positions),
                        fmt::format("allowed here: at most {}", model.max_positions)});
}

// ---- All of them.

/// Checks that the sizes by which other checks divide are positive.
void check_positive(const JobSpec& job, Findings& findings) {
  struct Size {
    const char* path;
    std::int64_t value;
  };
  const ParallelismSpec& p = job.parallelism;
  const ModelSpec& m = job.model;
  const TrainingSpec& t = job.training;
  for (const Size& size : {Size{"parallelism.tp", p.tp},
                           Size{"parallelism.pp", p.pp},
                           Size{"parallelism.vp", p.vp},
                           Size{"parallelism.cp", p.cp},
                           Size{"parallelism.ep", p.ep},
                           Size{"parallelism.etp", p.etp.value_or(1)},
                           Size{"parallelism.dp", p.dp},
                           Size{"training.sequence_length", t.sequence_length},
                           Size{"training.global_batch", t.global_batch},
                           Size{"training.micro_batch", t.micro_batch},
                           Size{"model.layers", m.layers},
                           Size{"model.hidden", m.hidden},
                           Size{"model.ffn_hidden", m.ffn_hidden},
                           Size{"model.heads", m.heads},
                           Size{"model.kv_heads", m.kv_heads},
                           Size{"model.head_dim", m.head_dim},
                           Size{"model.vocab", m.vocab},
                           Size{"model.vocab_multiple", m.vocab_multiple},
                           Size{"cluster.nodes", job.cluster.nodes},
                           Size{"cluster.devices_per_node", job.cluster.devices_per_node}})
    if (size.value < 1)
      findings.push_back(
          {size.path, fmt::format("must be at least 1, is {}", size.value), "allowed here: 1 and more"});
}

namespace part = job_part;
constexpr JobParts kDegrees = part::tp | part::pp | part::cp | part::dp;
constexpr JobParts kExpertMesh = part::tp | part::cp | part::dp | part::ep | part::etp;

constexpr auto kChecks = std::to_array<LegalityCheck>(
    {{"parallelism.tp", "heads or sizes of the model do not split over tp", part::tp, check_tensor_parallel},
     {"parallelism", "the degrees do not make the number of devices", kDegrees, check_devices},
     {"parallelism.ep", "experts do not split over ep and etp, or lack sequence parallelism",
      kExpertMesh | part::dispatcher | part::sequence_parallel, detail::check_experts},
     {"training.overlap", "passes do not run in turns with this schedule, ZeRO or recomputation",
      part::pp | part::ep | part::dispatcher | part::schedule | part::zero | part::recompute,
      detail::check_turns},
     {"parallelism.cp", "sequences or heads do not split over cp", part::tp | part::cp,
      detail::check_context_parallel},
     {"parallelism.sequence_parallel", "tokens do not split over tp",
      part::tp | part::cp | part::micro_batch | part::sequence_parallel, check_sequence_parallel},
     {"parallelism.zero", "there is no such stage of ZeRO", part::zero, check_zero},
     {"parallelism.dp_shard", "shards do not split over the replicas",
      kExpertMesh | part::pp | part::zero | part::dp_shard | part::offload, check_shards},
     {"parallelism.stages", "the layers do not make the pieces of the pipeline",
      part::pp | part::vp | part::stages, check_stages},
     {"training.schedule", "the schedule does not run with these stages, chunks or ZeRO",
      part::pp | part::vp | part::stages | part::zero | part::schedule, check_schedule},
     {"training.global_batch", "the batch does not split over dp, micro-batches and stages",
      kDegrees | part::micro_batch | part::schedule, check_batch},
     {"model", "the model contradicts itself", 0, check_model},
     {"model.attention", "attention does not run so", part::tp, detail::check_attention},
     {"model.layer_kinds", "a mixer does not run so", part::tp | part::cp, detail::check_mixers},
     {"training.loss", "the loss does not split into its parts", part::cp | part::micro_batch,
      detail::check_loss},
     {"training.optimizer", "the optimizer does not run so",
      kDegrees | part::micro_batch | part::zero | part::schedule | part::precision, detail::check_optimizer},
     {"training.offload",
      "what is offloaded does not run with this ZeRO, optimizer or precision, or the host is not known",
      part::zero | part::precision | part::offload, detail::check_offload},
     {"training.recompute", "what is recomputed does not fit the layers",
      part::pp | part::vp | part::recompute, detail::check_recompute},
     {"lora", "adapters do not fit the model", 0, detail::check_lora},
     {"training.precision",
      "the accelerator lacks the precision, or the job's keys for precisions do not suit it",
      part::zero | part::precision, detail::check_precision},
     {"training.global_batch", "sizes exceed what can be counted",
      kDegrees | part::vp | part::stages | part::micro_batch, detail::check_countable}});

}  // namespace

void LegalityCheck::find(const JobSpec& job, std::vector<Illegality>& findings) const {
  try {
    run(job, findings);
  } catch (const CountOverflow&) {
    findings.push_back({path, "the sizes multiply to more than 64-bit counts hold", ""});
  }
}

std::span<const LegalityCheck> legality_checks() { return kChecks; }

std::vector<Illegality> find_illegalities(const JobSpec& job) {
  Findings findings;
  check_positive(job, findings);
  detail::check_listed_counts(job, findings);
  if (!findings.empty()) return findings;
  // check_countable assumes that all sizes divide evenly.
  for (const LegalityCheck& check : kChecks) {
    if (check.run != detail::check_countable || findings.empty()) check.find(job, findings);
  }
  return findings;
}

}  // namespace foreshard
