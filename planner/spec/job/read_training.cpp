#include "planner/spec/job/read_training.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/core.h>

#include "planner/spec/job/read_documents.hpp"
#include "planner/spec/job/read_job.hpp"
#include "planner/spec/job/read_memory_keys.hpp"
#include "planner/spec/job/read_precision.hpp"
#include "planner/spec/job/read_recompute.hpp"

namespace foreshard {

namespace {

constexpr auto kTrainingKeys = std::to_array<KeyInfo>({
    {"sequence_length", "tokens of a sequence"},
    {"global_batch", "sequences per step, over all devices"},
    {"micro_batch", "sequences per data-parallel rank and micro-batch"},
    {"precision", "of the layers' matrix products: fp32, tf32, bf16, fp16, fp8, mxfp8 or nvfp4", "bf16"},
    {"attention", "flash or unfused", "flash"},
    {"flash",
     "which flash attention: fa1, fa2, fa3, fa4, cudnn or triton; unsaid, the framework's or the "
     "accelerator's usual"},
    {"compiled", "pointwise operations are fused by a compiler: true or false; unsaid, the framework's"},
    {"fused_kernels",
     "RMSNorm and rotary embedding are one kernel each where nothing is compiled, as with Liger's kernels: "
     "true or false; "
     "unsaid, the framework's"},
    {"dropout", "residual and attention dropout are run: true or false; unsaid, the framework's"},
    {"gradient_dtype", "fp32 or bf16; unsaid, the framework's"},
    {"fp8_scaling",
     "what shares a scale: delayed, tensorwise (both a tensor), rowwise, block (128 elements) or mx (as "
     "mxfp8); unsaid, the framework's"},
    {"fp8_parameter_gather",
     "weights are kept and gathered over data parallelism in the precision of the products: true or false",
     "false"},
    {"attention_precision", "of flash attention in fp8, mxfp8 and nvfp4 jobs: bf16 or fp8", "bf16"},
    {"bf16_layers", "layers whose products stay in bf16: {first: 1, last: 1}"},
    {"launch", "async, or blocking: the host waits for every kernel", "async"},
    {"graphs", "what CUDA graphs capture: none, layer (without experts) or full (all but the optimizer)",
     "none"},
    {"recompute",
     "none, selective (attention core), selective-ops (chosen per operation), full, or a list of modules: "
     "core_attn, mla_up_proj, layernorm, mlp, moe, moe_act, shared_experts",
     "none"},
    {"recompute_layers",
     "which layers that applies to: the first N of each stage and chunk, a share as in 0.5, {every: 2}, or a "
     "list of counts, one for each stage or chunk; unsaid, all"},
    {"documents",
     "length of the documents that are packed into sequences, in tokens: a number, equally likely numbers as "
     "a "
     "list, or {mean: 2048, sigma: 1.0, packed: true}; unsaid, a sequence is one document"},
    {"schedule",
     "gpipe, 1f1b, interleaved, zero-bubble, zero-bubble-2p, zb-v or dualpipe-v; unsaid, 1f1b, and "
     "interleaved if "
     "vp is more than 1"},
    {"overlap",
     "what communication hides: {tp: none, wgrad or full; dp, pp, cp: true or false; ep: none, shared, "
     "1f1b, true or false}; unsaid, the framework's"},
    {"dispatcher",
     "how tokens come to experts: all-to-all, all-gather, deepep, hybridep or loop; unsaid, the framework's"},
    {"dispatcher_sms",
     "multiprocessors that the kernels of deepep or hybridep take from other kernels; unsaid, 20 with "
     "deepep, 16 with hybridep"},
    {"dispatch_precision",
     "same, or fp8: rows travel to experts in 8 bits with a scale for every 128 elements, and back as they "
     "are",
     "same"},
    {"expert_capacity",
     "the most rows an expert takes over the mean, as in 1.25 or {factor: 1.25, pad: true}: rows beyond are "
     "dropped; "
     "unsaid, all rows"},
    {"fused_grouped_gemm", "experts' products are one kernel instead of a call per expert: true or false",
     "false"},
    {"fused_routing", "experts are chosen by a few fused kernels instead of single operations: true or false",
     "false"},
    {"fused_permutation",
     "fused kernels bring rows into the order of experts, with hybridep those of its exchange: true or "
     "false; unsaid, "
     "the framework's, with hybridep false"},
    {"delay_wgrad",
     "with overlap.ep 1f1b: experts' weight gradients run beside the exchange of their input's gradients: "
     "true "
     "or false",
     "false"},
    {"activation_func_fp8_input_store",
     "the input of SwiGLU is kept for backward in fp8, as Megatron-LM's key of this name has it: true or "
     "false",
     "false"},
    {"optimizer", "adamw, adam, sgd, adamw-8bit, adafactor, lion or muon", "adamw"},
    {"states", "what the optimizer keeps: {master: fp32, moments: fp32}"},
    {"optimizer_in_backward",
     "each layer is updated as soon as its gradients are complete, and frees them: true or false", "false"},
    {"optimizer_post_validation",
     "a stage updates its weights before the gradient norm of all stages is known, which is checked "
     "afterwards: true "
     "or false",
     "false"},
    {"offload", "shares that lie in the host's memory: {optimizer: 1, weights: 1, activations: 0.5}"},
    {"buckets",
     "elements that are reduced, gathered ahead or kept gathered, as DeepSpeed has them: {reduce: 500000000, "
     "prefetch: 50000000, live: 1000000000}; unsaid, the framework's"},
    {"expandable_segments",
     "PyTorch's allocator grows its segments (PYTORCH_CUDA_ALLOC_CONF): true or false, where more of what it "
     "reserves is lost between blocks",
     "true"},
    {"reshard_after_forward",
     "zero 3: weights are gathered again in backward, or kept from forward on: true or false", "true"},
    {"loss", "how the loss is computed: {fused: true, chunks: 8, sharded: true}"},
    {"tokens", "in the whole training, as in 15T: for its time and cost"},
    {"samples", "sequences in the data, in the place of tokens: for the time and cost of epochs over them"},
    {"epochs", "passes over the samples, as in 3 or 0.5", "1"},
    {"failures", "how often the run is interrupted, and what that costs"},
});
constexpr auto kOverlapKeys = std::to_array<KeyInfo>({
    {"tp", "none, wgrad (behind the weight gradient) or full (beside the product they feed)"},
    {"dp", "true or false"},
    {"pp", "true or false"},
    {"cp", "true or false"},
    {"ep",
     "none, shared (shared experts run meanwhile), 1f1b (beside another micro-batch's compute), true (in "
     "chunks beside the experts) or false"},
    {"gather",
     "zero 1 and 2: updated weights are gathered beside the next step's first forward pass: true or false"},
});

constexpr auto kCapacityKeys = std::to_array<KeyInfo>({
    {"factor", "rows of the mean expert, as in 1.25"},
    {"pad", "experts with fewer rows get empty ones: true or false", "false"},
});

constexpr auto kFailureKeys = std::to_array<KeyInfo>({
    {"mtbf_per_device", "mean time between failures of one device, as in 50000 h"},
    {"checkpoint_write", "how long a checkpoint stops the run, as in 60 s"},
    {"restart", "from a failure to the first step after it, as in 10 min"},
    {"checkpoint_interval", "computing between checkpoints, as in 30 min; unsaid, the best"},
    {"repair", "until a failed node is back, as in 24 h: for the number of spare nodes"},
});

/// The range of the mean time between failures of one device, which can be longer than any run.
constexpr Measured<Seconds> kLifetime{.range = Range<Seconds>{Seconds(1.0), Seconds(1e12), "1 s to 1e12 s"}};
constexpr std::int64_t kMostSamples = 1'000'000'000'000;
constexpr double kMostEpochs = 1e4;

std::optional<DatasetSpec> read_dataset(const MapReader& training) {
  if (!training.has("samples") && !training.has("epochs")) return std::nullopt;
  DatasetSpec dataset;
  dataset.epochs = training.optional("epochs", RealNumber{1e-6, kMostEpochs}, 1.0);
  dataset.samples = training.optional("samples", WholeNumber{1, kMostSamples}, 0);
  if (!training.has("samples"))
    training.complain("epochs", "nothing says how many sequences an epoch has",
                      "training.samples is needed, as in samples: 50000");
  if (training.has("tokens"))
    training.complain("tokens", "the length of the training is said twice, in tokens and in samples",
                      "keep one: tokens, or samples and epochs");
  return dataset;
}

std::optional<FailureSpec> read_failures(const MapReader& training) {
  const std::optional<MapReader> map = training.child("failures", kFailureKeys);
  if (!map) return std::nullopt;
  if (!training.has("tokens") && !training.has("samples"))
    training.complaints().add(map->owner(), map->path(), "nothing says how long the training is",
                              "training.tokens, or samples and epochs, is needed");
  return FailureSpec{.mtbf_per_device = map->required("mtbf_per_device", kLifetime),
                     .checkpoint_write = map->required("checkpoint_write", Measured<Seconds>{}),
                     .restart = map->required("restart", Measured<Seconds>{true}),
                     .checkpoint_interval = map->maybe("checkpoint_interval", Measured<Seconds>{}),
                     .repair = map->maybe("repair", Measured<Seconds>{})};
}

/// Complains if a checkpoint and a restart take many times as long as the mean time between failures of all
/// devices: such a training would never end.
void check_failures(const MapReader& training, const FailureSpec& failures, std::int64_t devices) {
  constexpr double kLongest = 20.0;  // e^20: hundreds of millions of attempts for each that succeeds
  const Seconds between = failures.mtbf_per_device / static_cast<double>(devices);
  if (failures.checkpoint_write + failures.restart <= kLongest * between) return;
  training.complain(
      "failures",
      fmt::format("the training would never end: {} devices fail every {:.3g} s, and a checkpoint "
                  "and a restart take {:.3g} s",
                  devices, between.value(), (failures.checkpoint_write + failures.restart).value()),
      fmt::format("allowed here: up to {} times the time between failures", kLongest));
}

/// none, shared, 1f1b, or a truth value: true is the overlap in chunks.
struct EpOverlapWord {
  using type = EpOverlap;
  [[nodiscard]] Outcome<type> read(const YamlNode& node) const {
    if (node.kind == YamlNode::Kind::scalar) {
      if (node.text == "none" || node.text == "false") return EpOverlap::none;
      if (node.text == "shared") return EpOverlap::shared;
      if (node.text == "true") return EpOverlap::pipelined;
      if (node.text == "1f1b") return EpOverlap::in_turns;
    }
    return complain_of_word(node, {"none", "shared", "1f1b", "true", "false"});
  }
};

OverlapSpec read_overlap(const MapReader& training, const OverlapSpec& usual) {
  OverlapSpec overlap = usual;
  const std::optional<MapReader> map = training.child("overlap", kOverlapKeys);
  if (!map) return overlap;
  overlap.tp = map->optional("tp", Choice<TpOverlap>{}, usual.tp);
  overlap.dp = map->optional("dp", Boolean{}, usual.dp);
  overlap.pp = map->optional("pp", Boolean{}, usual.pp);
  overlap.cp = map->optional("cp", Boolean{}, usual.cp);
  overlap.ep = map->optional("ep", EpOverlapWord{}, usual.ep);
  overlap.gather = map->optional("gather", Boolean{}, usual.gather);
  return overlap;
}

constexpr RealNumber kCapacityFactor{0.01, 1000.0};

/// A factor, beyond which rows are dropped, or {factor, pad}.
std::optional<CapacitySpec> read_capacity(const MapReader& training, const JobSpec& job) {
  const NodePtr capacity = training.value("expert_capacity");
  if (capacity != nullptr && !job.model.experts)
    training.complain("expert_capacity", "the model has no experts", "leave it out");
  if (capacity != nullptr && capacity->kind == YamlNode::Kind::scalar)
    return CapacitySpec{.factor = training.required("expert_capacity", kCapacityFactor)};
  const std::optional<MapReader> map = training.child("expert_capacity", kCapacityKeys);
  if (!map) return std::nullopt;
  return CapacitySpec{.factor = map->required("factor", kCapacityFactor),
                      .pad = map->optional("pad", Boolean{}, false)};
}

Dispatcher read_dispatcher(const MapReader& training, const JobSpec& job, const FrameworkConventions& usual) {
  if (!job.model.experts) {
    if (training.has("dispatcher"))
      training.complain("dispatcher", "the model has no experts", "leave it out");
    return Dispatcher::all_to_all;
  }
  // A loop over experts has no exchange: with expert parallelism these frameworks use an all-to-all.
  const bool is_impossible = usual.dispatcher == Dispatcher::loop && job.parallelism.ep > 1;
  return training.optional("dispatcher", Choice<Dispatcher>{},
                           is_impossible ? Dispatcher::all_to_all : usual.dispatcher);
}

/// How many multiprocessors the dispatcher's kernels hold, if the job says it.
std::optional<std::int64_t> read_dispatcher_sms(const MapReader& training, const JobSpec& job,
                                                Dispatcher dispatcher) {
  const std::int64_t all = job.cluster.accelerator.multiprocessors;
  const std::optional<std::int64_t> sms =
      training.maybe("dispatcher_sms", WholeNumber{1, std::max<std::int64_t>(1, all - 1)});
  if (sms && (!job.model.experts || !usual_sms(dispatcher)))
    training.complain("dispatcher_sms",
                      "only the kernels of deepep and hybridep hold multiprocessors of a given number",
                      "leave it out");
  return sms;
}

/// A truth value that only models with experts have.
bool read_of_experts(const MapReader& training, const JobSpec& job, const char* key, bool usual = false) {
  if (training.has(key) && !job.model.experts)
    training.complain(key, "the model has no experts", "leave it out");
  return training.optional(key, Boolean{}, usual);
}

/// Whether fused kernels permute rows if the job does not say it.
bool usual_permutation(const JobSpec& job, Dispatcher dispatcher) {
  return job.model.experts && dispatcher != Dispatcher::hybridep && job.conventions().fused_permutation;
}

/// The overlap of communication and compute if the job does not say it. On a CPU a running collective
/// occupies the core that would compute, so nothing overlaps. A ring of context-parallel ranks computes on
/// one part of the keys while it receives the next.
OverlapSpec usual_overlap(const JobSpec& job, OverlapSpec frameworks) {
  if (job.cluster.accelerator.is_cpu) return {};
  frameworks.cp = job.parallelism.cp_style == CpStyle::ring;
  return frameworks;
}

/// Where no fp32 weights are kept, gradients have the weights' type: autograd makes them so.
DType usual_gradient_dtype(Precision precision, MasterWeights master, const FrameworkConventions& usual) {
  if (storage_type(precision) == DType::fp32) return DType::fp32;
  if (!has_fp32_weights(master)) return DType::bf16;
  return precision == Precision::fp16 ? usual.fp16_gradient_dtype : usual.gradient_dtype;
}

}  // namespace

std::optional<FlashVersion> usual_flash(const JobSpec& job) {
  if (job.framework != Framework::torch_fsdp || job.cluster.accelerator.is_cpu) return std::nullopt;
  if (job.cluster.accelerator.usual_flash == FlashVersion::cudnn) return FlashVersion::cudnn;
  return job.model.norm == NormKind::layernorm ? FlashVersion::fa1 : FlashVersion::fa2;
}

std::optional<double> TrainingSpec::steps() const {
  const auto batch = static_cast<double>(global_batch);
  if (tokens) return tokens->as_double() / (batch * static_cast<double>(sequence_length));
  if (!dataset) return std::nullopt;
  // Products such as 1.1 · 100 are whole except for rounding: do not round them up to another step.
  constexpr double kRounding = 1e-9;
  const double steps = dataset->epochs * static_cast<double>(dataset->samples) / batch;
  return std::max(1.0, std::ceil(steps * (1.0 - kRounding)));
}

KeyTable training_keys() { return kTrainingKeys; }
KeyTable capacity_keys() { return kCapacityKeys; }
KeyTable overlap_keys() { return kOverlapKeys; }
KeyTable failure_keys() { return kFailureKeys; }

TrainingSpec read_training(const MapReader& map, const JobSpec& job) {
  const FrameworkConventions usual = job.conventions();
  TrainingSpec training;
  training.sequence_length = map.required("sequence_length", WholeNumber{});
  training.global_batch = map.required("global_batch", WholeNumber{});
  training.micro_batch = map.required("micro_batch", WholeNumber{});
  read_precision(map, job.framework, training);
  training.attention = map.optional("attention", Choice<AttentionKind>{}, training.attention);
  training.flash = map.maybe("flash", Choice<FlashVersion>{});
  if (!training.flash && training.attention == AttentionKind::flash) training.flash = usual_flash(job);
  training.compiled = map.optional("compiled", Boolean{}, usual.compiled);
  training.fused_kernels = map.maybe("fused_kernels", Boolean{});
  // Models with LayerNorm are taken to be from the years in which dropout was usual.
  const bool usual_dropout = usual.dropout && job.model.norm == NormKind::layernorm;
  training.dropout = map.optional("dropout", Boolean{}, usual_dropout);
  training.optimizer = map.optional("optimizer", Choice<OptimizerKind>{}, training.optimizer);
  training.states = read_states(map, training.optimizer, training.precision);
  training.optimizer_in_backward = map.optional("optimizer_in_backward", Boolean{}, false);
  training.optimizer_post_validation = map.optional("optimizer_post_validation", Boolean{}, false);
  training.offload = read_offload(map);
  training.buckets = read_buckets(map);
  if (job.parallelism.zero < 3 && (training.buckets.prefetch || training.buckets.live))
    map.complain("buckets", "only zero 3 gathers weights layer by layer", "allowed here: reduce");
  training.expandable_segments = map.optional("expandable_segments", Boolean{}, true);
  if (!training.expandable_segments &&
      (job.framework == Framework::foreshard || job.cluster.accelerator.is_cpu))
    map.complain("expandable_segments", "the job's allocator has no segments: it is one arena",
                 "allowed here: true");
  training.reshard_after_forward = map.optional("reshard_after_forward", Boolean{}, true);
  training.loss = read_loss(map, training.loss);
  const DType usual_gradient = usual_gradient_dtype(training.precision, training.states.master, usual);
  training.gradient_dtype =
      map.optional("gradient_dtype", Choice<DType>{{DType::fp32, DType::bf16}}, usual_gradient);
  training.launch = map.optional("launch", Choice<Launch>{}, training.launch);
  training.graphs = map.optional("graphs", Choice<Graphs>{}, training.graphs);
  if (training.graphs != Graphs::none && job.cluster.accelerator.is_cpu)
    map.complain("graphs", "a CPU has no graphs of kernels", "allowed here: none");
  read_recompute(map, training);
  training.documents = read_documents(map);
  const ScheduleKind usual_schedule =
      job.parallelism.vp > 1 ? ScheduleKind::interleaved : ScheduleKind::one_f_one_b;
  training.schedule = map.optional("schedule", Choice<ScheduleKind>{}, usual_schedule);
  training.overlap = read_overlap(map, usual_overlap(job, usual.overlap));
  training.dispatcher = read_dispatcher(map, job, usual);
  training.dispatcher_sms = read_dispatcher_sms(map, job, training.dispatcher);
  if (!job.model.experts && map.has("dispatch_precision"))
    map.complain("dispatch_precision", "the model has no experts", "leave it out");
  training.dispatch_precision =
      map.optional("dispatch_precision", Choice<DispatchPrecision>{}, training.dispatch_precision);
  training.expert_capacity = read_capacity(map, job);
  training.fused_grouped_gemm = read_of_experts(map, job, "fused_grouped_gemm");
  training.fused_routing = read_of_experts(map, job, "fused_routing");
  training.fused_permutation =
      read_of_experts(map, job, "fused_permutation", usual_permutation(job, training.dispatcher));
  training.delay_wgrad = read_of_experts(map, job, "delay_wgrad");
  training.fp8_activation_inputs = map.optional("activation_func_fp8_input_store", Boolean{}, false);
  if (training.fp8_activation_inputs && job.model.ffn != FfnKind::swiglu)
    map.complain("activation_func_fp8_input_store", "only the input of swiglu is kept in fp8",
                 "allowed here: false");
  training.tokens = map.maybe("tokens", Measured<Tokens>{});
  training.dataset = read_dataset(map);
  const std::size_t before = map.complaints().size();
  training.failures = read_failures(map);
  if (training.failures && map.complaints().size() == before)
    check_failures(map, *training.failures, job.cluster.devices());
  return training;
}

}  // namespace foreshard
