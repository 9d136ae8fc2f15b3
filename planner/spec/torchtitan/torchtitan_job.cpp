#include "planner/spec/torchtitan/torchtitan_job.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/hugging_face/hugging_face_translation.hpp"
#include "planner/spec/torchtitan/toml.hpp"
#include "planner/spec/torchtitan/torchtitan_models.hpp"
#include "planner/units/count.hpp"

namespace foreshard::detail {

namespace {

/// Sections and keys without meaning for a plan.
constexpr auto kMeaninglessSections = std::to_array<std::string_view>(
    {"job", "profiling", "metrics", "lr_scheduler", "checkpoint", "comm", "fault_tolerance", "validation",
     "debug", "memory_estimation", "mx", "ft", "fault_tolerant"});
constexpr auto kMeaninglessKeys =
    std::to_array<std::string_view>({"dataset",
                                     "dataset_path",
                                     "dataset_name",
                                     "max_norm",
                                     "gc_freq",
                                     "gc_debug",
                                     "seed",
                                     "deterministic",
                                     "steps",
                                     "lr",
                                     "eps",
                                     "beta1",
                                     "beta2",
                                     "weight_decay",
                                     "implementation",
                                     "tokenizer_path",
                                     "hf_assets_path",
                                     "print_after_conversion",
                                     "warmup_steps",
                                     "data_parallel_backend",
                                     "num_workers",
                                     "fused",
                                     "early_step_in_backward",
                                     "custom_import",
                                     "custom_args_module",
                                     "description",
                                     "selective_ac_force_recompute_mm_shapes",
                                     "per_op_sac_force_recompute_mm_shapes_by_fqns",
                                     "preserve_rng_state",
                                     "determinism_check",
                                     "visualize_memory_budget_pareto",
                                     "backend",
                                     "emulate",
                                     "disable_loss_parallel",
                                     "pipeline_parallel_expert_parallel_overlap",
                                     "torch_version",
                                     "force_recompute_fp8_weight_in_bwd",
                                     "precompute_float8_dynamic_scale_for_fsdp"});

/// A section of the file and its keys, each of which marks itself as read.
class Section {
 public:
  Section(const Translation& root, const char* name) : map_(root.inside(name)), root_(&root) {}

  [[nodiscard]] bool has(const char* key) const { return map_ && map_->has(key); }
  [[nodiscard]] std::string text(const char* key, const std::string& usual) const {
    return map_ ? map_->text(key, usual) : usual;
  }
  [[nodiscard]] bool flag(const char* key, bool usual) const { return map_ ? map_->flag(key, usual) : usual; }
  [[nodiscard]] std::vector<std::string> words(const char* key) const {
    return map_ ? map_->word_list(key) : std::vector<std::string>{};
  }
  /// A whole number; none if it is missing or -1, which torchtitan reads as "the rest".
  [[nodiscard]] std::optional<std::int64_t> whole(const char* key) const {
    const NodePtr node = map_ ? map_->value(key) : nullptr;
    if (node == nullptr || node->text == "-1") return std::nullopt;
    return map_->whole(key);
  }
  [[nodiscard]] Place place(const char* key) const {
    const NodePtr node = map_ ? map_->value(key) : nullptr;
    return node != nullptr ? node->place : root_->config()->place;
  }
  void refuse(const char* key, std::string message, std::string allowed) const {
    (map_ ? *map_ : *root_).refuse(key, std::move(message), std::move(allowed));
  }
  [[nodiscard]] std::optional<Section> inside(const char* name) const {
    if (!map_ || !map_->has(name)) return std::nullopt;
    return Section(*map_, name);
  }

 private:
  std::optional<Translation> map_;
  const Translation* root_;
};

/// Degrees of parallelism; older files have some of them under [training].
struct Degrees {
  std::int64_t tp = 1;
  std::int64_t pp = 1;
  std::int64_t cp = 1;
  std::int64_t replicate = 1;
  std::optional<std::int64_t> shard;  ///< none: the rest of the devices
};

std::int64_t either(const Section& a, const char* key_a, const Section& b, const char* key_b,
                    std::int64_t usual) {
  if (a.has(key_a)) return a.whole(key_a).value_or(usual);
  return b.whole(key_b).value_or(usual);
}

Degrees degrees_of(const Translation& root) {
  const Section p(root, "parallelism");
  const Section training(root, "training");
  const Section experimental(root, "experimental");
  Degrees degrees;
  degrees.tp = either(p, "tensor_parallel_degree", training, "tensor_parallel_degree", 1);
  degrees.pp = either(p, "pipeline_parallel_degree", experimental, "pipeline_parallel_degree", 1);
  degrees.cp = either(p, "context_parallel_degree", experimental, "context_parallel_degree", 1);
  degrees.replicate =
      either(p, "data_parallel_replicate_degree", training, "data_parallel_replicate_degree", 1);
  degrees.shard = p.has("data_parallel_shard_degree") ? p.whole("data_parallel_shard_degree")
                                                      : training.whole("data_parallel_shard_degree");
  return degrees;
}

void say_degree(LaunchJob& job, const char* key, std::int64_t degree, const Place& place) {
  if (degree > 1) job.parallelism.say(key, degree, place);
}

/// The data-parallel ranks, if they are known.
std::optional<std::int64_t> replicas_of(const Degrees& degrees, std::int64_t devices) {
  if (degrees.shard) return degrees.replicate * *degrees.shard;
  const std::int64_t others = degrees.tp * degrees.pp * degrees.cp;
  if (devices == 0) return std::nullopt;
  return std::max<std::int64_t>(1, devices / std::max<std::int64_t>(1, others));
}

void say_parallelism(const Translation& root, LaunchJob& job, const Degrees& degrees,
                     std::optional<std::int64_t> replicas) {
  const Section p(root, "parallelism");
  const Section experimental(root, "experimental");
  say_degree(job, "tp", degrees.tp, p.place("tensor_parallel_degree"));
  say_degree(job, "pp", degrees.pp, p.place("pipeline_parallel_degree"));
  say_degree(job, "cp", degrees.cp, p.place("context_parallel_degree"));
  if (const auto ep = p.whole("expert_parallel_degree"))
    say_degree(job, "ep", *ep, p.place("expert_parallel_degree"));
  if (const auto etp = p.whole("expert_tensor_parallel_degree"); etp)
    job.parallelism.say("etp", *etp, p.place("expert_tensor_parallel_degree"));
  if (replicas && degrees.shard) job.parallelism.say("dp", *replicas, p.place("data_parallel_shard_degree"));
  if (degrees.replicate > 1) {
    if (replicas)
      job.parallelism.say("dp_shard", *replicas / degrees.replicate,
                          p.place("data_parallel_replicate_degree"));
    else
      job.left_out.emplace_back("weights are taken to be sharded over all of dp, not over a part of it");
  }
  // FSDP2: with pipeline stages the weights stay gathered after forward, unless the file says otherwise.
  const std::string reshard = p.text("fsdp_reshard_after_forward", "default");
  const bool keeps = reshard == "never" || (reshard == "default" && degrees.pp > 1);
  const bool is_sharded = degrees.shard.value_or(0) != 1;
  // The planner keeps gathered weights without pipeline stages; with stages, ZeRO-2 gathers as rarely.
  const bool has_reshard = degrees.pp == 1;
  job.parallelism.say("zero",
                      std::int64_t{!is_sharded             ? 0
                                   : keeps && !has_reshard ? 2
                                                           : 3},
                      p.place("fsdp_reshard_after_forward"));
  if (is_sharded && keeps && has_reshard)
    job.training.say("reshard_after_forward", false, p.place("fsdp_reshard_after_forward"));
  if (degrees.cp > 1) {
    const std::string rotate = p.text("context_parallel_rotate_method", "allgather");
    job.parallelism.say("cp_style", rotate == "alltoall" ? "ring" : "all-gather",
                        p.place("context_parallel_rotate_method"));
  }
  (void)p.text("context_parallel_rotate_method", "");
  const std::string schedule =
      p.text("pipeline_parallel_schedule", experimental.text("pipeline_parallel_schedule", "1F1B"));
  static const std::map<std::string, const char*> kSchedules{{"1F1B", "1f1b"},
                                                             {"GPipe", "gpipe"},
                                                             {"Interleaved1F1B", "interleaved"},
                                                             {"ZBVZeroBubble", "zb-v"},
                                                             {"InterleavedZeroBubble", "zero-bubble"},
                                                             {"DualPipeV", "dualpipe-v"}};
  if (degrees.pp < 2) return;
  const auto known = std::find_if(kSchedules.begin(), kSchedules.end(), [&](const auto& entry) {
    return entry.first.size() == schedule.size() &&
           std::equal(schedule.begin(), schedule.end(), entry.first.begin(),
                      [](char a, char b) { return std::tolower(a) == std::tolower(b); });
  });
  if (known == kSchedules.end())
    return p.refuse("pipeline_parallel_schedule", "this schedule cannot be planned",
                    "known: 1F1B, GPipe, Interleaved1F1B, InterleavedZeroBubble, ZBVZeroBubble, DualPipeV");
  job.training.say("schedule", known->second, p.place("pipeline_parallel_schedule"));
  const auto layers = p.whole("pipeline_parallel_layers_per_stage");
  const TitanModel* const model = titan_model(root);
  const std::int64_t chunks =
      layers && model != nullptr
          ? std::max<std::int64_t>(1, (model->layers + *layers * degrees.pp - 1) / (*layers * degrees.pp))
          : 2;
  const bool has_chunks = schedule != "1F1B" && schedule != "GPipe";
  if (has_chunks) job.parallelism.say("vp", chunks, p.place("pipeline_parallel_layers_per_stage"));
}

void say_batches(const Translation& root, LaunchJob& job, const Degrees& degrees,
                 std::optional<std::int64_t> replicas) {
  const Section t(root, "training");
  const Section p(root, "parallelism");
  const char* const local_key = t.has("local_batch_size") ? "local_batch_size" : "batch_size";
  const std::int64_t local = t.whole(local_key).value_or(8);
  const std::int64_t micro =
      degrees.pp > 1 ? p.whole("pipeline_parallel_microbatch_size").value_or(1) : local;
  job.training.say("sequence_length", t.whole("seq_len").value_or(2048), t.place("seq_len"));
  job.training.say("micro_batch", micro, t.place(local_key));
  if (const auto global = t.whole("global_batch_size")) {
    job.training.say("global_batch", *global, t.place("global_batch_size"));
  } else if (replicas) {
    job.training.say("global_batch", checked_product(local, *replicas), t.place(local_key));
  } else {
    t.refuse(local_key, "the batch of a step follows from the number of devices, which is not known",
             "--on dgx-h100 --nodes 8 says the devices; training.global_batch_size says the batch");
  }
  if (const auto steps = t.whole("steps"); steps && *steps > 0 && replicas) {
    const std::int64_t batch = t.whole("global_batch_size").value_or(checked_product(local, *replicas));
    job.training.say("samples", checked_product(*steps, batch), t.place("steps"));
  }
}

void say_precision_and_kernels(const Translation& root, LaunchJob& job) {
  const Section t(root, "training");
  const Section model(root, "model");
  const Section compile(root, "compile");
  const std::vector<std::string> converters = model.words("converters");
  const bool has_float8 = std::find_if(converters.begin(), converters.end(), [](const std::string& word) {
                            return word.find("float8") != std::string::npos;
                          }) != converters.end();
  const bool has_mx = std::find_if(converters.begin(), converters.end(), [](const std::string& word) {
                        return word.find("mx") != std::string::npos;
                      }) != converters.end();
  const std::string type = t.text("mixed_precision_param", "bfloat16");
  job.training.say("precision",
                   has_mx              ? "mxfp8"
                   : has_float8        ? "fp8"
                   : type == "float32" ? "fp32"
                                       : "bf16",
                   model.place("converters"));
  job.training.say("gradient_dtype",
                   t.text("mixed_precision_reduce", "float32") == "bfloat16" ? "bf16" : "fp32",
                   t.place("mixed_precision_reduce"));
  Section float8(root, "float8");
  if (const auto nested = Section(root, "quantize").inside("linear")) {
    if (const auto inner = nested->inside("float8")) float8 = *inner;
  }
  const std::string recipe = float8.text("recipe_name", "tensorwise");
  if (has_float8)
    job.training.say("fp8_scaling", recipe.starts_with("rowwise") ? "rowwise" : "tensorwise",
                     float8.place("recipe_name"));
  const bool gathers = float8.flag("enable_fsdp_float8_all_gather", false);
  (void)float8.words("filter_fqns");
  (void)float8.flag("precompute_float8_dynamic_scale_for_fsdp", false);
  if (has_float8 && gathers)
    job.training.say("fp8_parameter_gather", true, float8.place("enable_fsdp_float8_all_gather"));
  const bool is_compiled = compile.flag("enable", t.flag("compile", false));
  job.training.say("compiled", is_compiled, compile.place("enable"));
  const std::vector<std::string> components = compile.words("components");
  const bool has_loss = !compile.has("components") ||
                        std::find(components.begin(), components.end(), "loss") != components.end();
  if (!is_compiled || !has_loss) return;
  LaunchMap loss;
  loss.say("compiled", true, compile.place("components"));
  job.training.say_map("loss", loss, compile.place("components"));
}

void say_checkpointing(const Translation& root, LaunchJob& job) {
  const Section ac(root, "activation_checkpoint");
  const std::string mode = ac.text("mode", "selective");
  const std::string option = ac.text("selective_ac_option", "2");
  const Place place = ac.place("mode");
  if (mode == "none") return job.training.say("recompute", "none", place);
  if (mode == "full") return job.training.say("recompute", "full", place);
  if (mode != "selective") return ac.refuse("mode", "this mode cannot be planned", "none, selective or full");
  if (option == "op") return job.training.say("recompute", "selective-ops", place);
  const bool every_nth = option.find_first_not_of("0123456789") == std::string::npos && option != "0";
  if (!every_nth)
    return ac.refuse("selective_ac_option", "this option is not known", "op, or a number of layers");
  job.training.say("recompute", "full", place);
  if (option == "1") return;
  const double share = 1.0 / std::stod(option);
  job.training.say("recompute_layers", fmt::format("{:.6g}", share), ac.place("selective_ac_option"));
}

void say_optimizer(const Translation& root, LaunchJob& job) {
  const Section optimizer(root, "optimizer");
  const std::string name = optimizer.text("name", "AdamW");
  static const std::map<std::string, const char*> kKnown{{"AdamW", "adamw"}, {"Adam", "adam"}};
  const auto known = kKnown.find(name);
  if (known == kKnown.end())
    return optimizer.refuse("name", quote(name) + " cannot be planned", "known: AdamW, Adam");
  job.training.say("optimizer", known->second, optimizer.place("name"));
  if (optimizer.flag("early_step_in_backward", false))
    job.training.say("optimizer_in_backward", true, optimizer.place("early_step_in_backward"));
  const Section p(root, "parallelism");
  const Section experimental(root, "experimental");
  if (p.flag("enable_async_tensor_parallel", experimental.flag("enable_async_tensor_parallel", false))) {
    LaunchMap overlap;
    overlap.say("tp", "full", p.place("enable_async_tensor_parallel"));
    job.training.say_map("overlap", overlap, p.place("enable_async_tensor_parallel"));
  }
  const Section training(root, "training");
  if (training.flag("enable_cpu_offload", false)) {
    LaunchMap offload;
    offload.say("optimizer", "1", training.place("enable_cpu_offload"));
    offload.say("weights", "1", training.place("enable_cpu_offload"));
    job.training.say_map("offload", offload, training.place("enable_cpu_offload"));
  }
}

template <std::size_t N>
bool is_in(const std::array<std::string_view, N>& all, const std::string& word) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

/// Names the keys that nobody has read.
void account_for(const Translation& root, LaunchJob& job) {
  std::vector<std::string> meaningless;
  std::vector<std::string> unknown;
  for (const MapEntry& section : root.config()->entries) {
    if (is_in(kMeaninglessSections, section.key)) {
      meaningless.push_back("[" + section.key + "]");
      continue;
    }
    if (section.value->kind != YamlNode::Kind::map) {
      unknown.push_back(section.key);
      continue;
    }
    for (const MapEntry& entry : section.value->entries) {
      if (root.reading().used.contains({section.value.get(), entry.key})) continue;
      const std::string name = section.key + "." + entry.key;
      const bool is_off = entry.value->kind == YamlNode::Kind::scalar &&
                          (entry.value->text == "false" || entry.value->text.empty());
      const bool is_empty = entry.value->kind == YamlNode::Kind::list && entry.value->items.empty();
      (is_in(kMeaninglessKeys, entry.key) || is_off || is_empty ? meaningless : unknown).push_back(name);
    }
  }
  if (!unknown.empty())
    job.left_out.push_back(fmt::format("keys that are not known: {}", fmt::join(unknown, ", ")));
  if (!meaningless.empty())
    job.left_out.push_back(fmt::format("keys without meaning for a plan: {}", fmt::join(meaningless, ", ")));
}

}  // namespace

LaunchJob job_from_torchtitan(const SourcePtr& source, const std::string& text, std::int64_t devices,
                              Complaints& complaints) {
  LaunchJob job;
  job.framework = "torch-fsdp";
  const NodePtr toml = parse_toml(source, text, complaints);
  if (toml == nullptr) return job;
  const Translation root(toml, std::make_shared<Reading>(Reading{.complaints = &complaints}));
  say_titan_model(root, job);
  const Degrees degrees = degrees_of(root);
  const std::optional<std::int64_t> replicas = replicas_of(degrees, devices);
  say_parallelism(root, job, degrees, replicas);
  say_batches(root, job, degrees, replicas);
  say_precision_and_kernels(root, job);
  say_checkpointing(root, job);
  say_optimizer(root, job);
  account_for(root, job);
  return job;
}

}  // namespace foreshard::detail
