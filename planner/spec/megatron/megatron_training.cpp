#include <algorithm>
#include <map>

#include <fmt/core.h>

#include "planner/spec/megatron/megatron_parts.hpp"
#include "planner/units/count.hpp"

namespace foreshard::detail {

namespace {

void say_sizes_of_batches(const FlagReader& flags, LaunchJob& job, std::int64_t replicas) {
  for (const auto& [flag, key] :
       {std::pair{"--seq-length", "sequence_length"}, std::pair{"--micro-batch-size", "micro_batch"}}) {
    if (const auto said = flags.whole(flag))
      job.training.say(key, *said, flags.place(flag));
    else if (!flags.has(flag))
      flags.complain_of_missing(flag);
  }
  const auto micro = flags.whole("--micro-batch-size");
  if (const auto batch = flags.whole("--global-batch-size")) {
    job.training.say("global_batch", *batch, flags.place("--global-batch-size"));
  } else if (!flags.has("--global-batch-size") && replicas > 0 && micro) {
    // Unsaid, Megatron-LM runs one micro-batch.
    job.training.say("global_batch", checked_product(replicas, *micro), flags.place("--micro-batch-size"));
  } else if (!flags.has("--global-batch-size")) {
    flags.complain_of_missing("--global-batch-size");
  }
}

void say_low_precision(const FlagReader& flags, LaunchJob& job) {
  const std::string_view flag = "--fp8-format";
  const std::string recipe = flags.text_or("--fp8-recipe", "delayed");
  static const std::map<std::string, const char*> kScalings{
      {"delayed", "delayed"}, {"tensorwise", "tensorwise"}, {"blockwise", "block"}};
  const Place place = flags.place(flag);
  const auto scaling = kScalings.find(recipe);
  if (recipe == "mxfp8") {
    job.training.say("precision", "mxfp8", place);
  } else if (scaling == kScalings.end()) {
    flags.complain("--fp8-recipe", fmt::format("'{}' is unknown", recipe),
                   "known: delayed, tensorwise, blockwise, mxfp8");
  } else {
    job.training.say("precision", "fp8", place);
    job.training.say("fp8_scaling", scaling->second, flags.place("--fp8-recipe"));
  }
  if (flags.has("--fp8-param-gather"))
    job.training.say("fp8_parameter_gather", true, flags.place("--fp8-param-gather"));
  if (flags.has("--first-last-layers-bf16")) {
    LaunchMap layers;
    layers.say("first", flags.whole_or("--num-layers-at-start-in-bf16", 1), place);
    layers.say("last", flags.whole_or("--num-layers-at-end-in-bf16", 1), place);
    job.training.say_map("bf16_layers", layers, flags.place("--first-last-layers-bf16"));
  }
  flags.knows({"--num-layers-at-start-in-bf16", "--num-layers-at-end-in-bf16"});
  if (flags.has("--fp8-dot-product-attention") || flags.has("--fp8-multi-head-attention"))
    job.training.say(
        "attention_precision", "fp8",
        flags.place(flags.one_of({"--fp8-dot-product-attention", "--fp8-multi-head-attention"})));
}

void say_precision(const FlagReader& flags, LaunchJob& job) {
  const bool fp8 = flags.has("--fp8-format");
  const bool fp4 = flags.has("--fp4-format");
  const bool bf16 = flags.has("--bf16");
  const bool fp16 = flags.has("--fp16");
  if (fp4)
    job.training.say("precision", "nvfp4", flags.place("--fp4-format"));
  else if (fp8)
    say_low_precision(flags, job);
  else
    job.training.say("precision",
                     bf16   ? "bf16"
                     : fp16 ? "fp16"
                            : "fp32",
                     flags.place(bf16 ? "--bf16" : "--fp16"));
  flags.knows({"--fp8-recipe", "--fp4-recipe", "--fp8-param-gather"});
  if (flags.has("--grad-reduce-in-bf16"))
    job.training.say("gradient_dtype", "bf16", flags.place("--grad-reduce-in-bf16"));
  flags.knows({"--accumulate-allreduce-grads-in-fp32"});
}

void say_recompute(const FlagReader& flags, LaunchJob& job) {
  const std::string granularity =
      flags.text_or("--recompute-granularity", flags.has("--recompute-activations") ? "selective" : "");
  flags.knows({"--recompute-activations"});
  const std::vector<std::string> modules = flags.list("--recompute-modules");
  const Place place = flags.place(flags.one_of({"--recompute-granularity", "--recompute-activations"}));
  if (granularity.empty()) return;
  if (granularity == "full") {
    job.training.say("recompute", "full", place);
    const auto layers = flags.whole("--recompute-num-layers");
    const std::string method = flags.text_or("--recompute-method", "uniform");
    // "uniform" recomputes all layers in groups; "block" the first so many of a stage.
    if (method == "block" && layers)
      job.training.say("recompute_layers", *layers, flags.place("--recompute-num-layers"));
    else if (layers && *layers > 1)
      job.left_out.push_back(
          fmt::format("inputs are kept of every layer, not of every group of {}", *layers));
    return;
  }
  if (granularity != "selective")
    return flags.complain("--recompute-granularity", fmt::format("'{}' is unknown", granularity),
                          "known: full, selective");
  const bool only_core = modules.empty() || modules == std::vector<std::string>{"core_attn"};
  if (only_core) return job.training.say("recompute", "selective", place);
  job.training.say_list("recompute", modules, flags.place("--recompute-modules"));
}

void say_optimizer(const FlagReader& flags, LaunchJob& job) {
  const std::string name = flags.text_or("--optimizer", "adam");
  static const std::map<std::string, const char*> kOptimizers{
      {"adam", "adamw"}, {"sgd", "sgd"}, {"muon", "muon"}, {"dist_muon", "muon"}, {"lion", "lion"}};
  const auto known = kOptimizers.find(name);
  if (known == kOptimizers.end())
    return flags.complain("--optimizer", fmt::format("'{}' cannot be planned", name),
                          "known: adam, sgd, muon, lion");
  job.training.say("optimizer", known->second, flags.place("--optimizer"));
  if (flags.has("--use-precision-aware-optimizer")) {
    LaunchMap states;
    if (flags.text_or("--main-params-dtype", "fp32") == "fp16")
      states.say("master", "fp32-remainder", flags.place("--main-params-dtype"));
    const std::string moments = flags.text_or("--exp-avg-dtype", "fp32");
    if (moments != "fp32") states.say("moments", moments, flags.place("--exp-avg-dtype"));
    job.training.say_map("states", states, flags.place("--use-precision-aware-optimizer"));
  }
  flags.knows({"--main-params-dtype", "--main-grads-dtype", "--exp-avg-dtype", "--exp-avg-sq-dtype"});
  if (flags.has("--optimizer-cpu-offload")) {
    LaunchMap offload;
    offload.say("optimizer", flags.text_or("--optimizer-offload-fraction", "1"),
                flags.place("--optimizer-cpu-offload"));
    job.training.say_map("offload", offload, flags.place("--optimizer-cpu-offload"));
  }
  flags.knows({"--optimizer-offload-fraction"});
}

void say_overlaps(const FlagReader& flags, LaunchJob& job, bool is_interleaved) {
  LaunchMap overlap;
  overlap.say("dp", flags.has("--overlap-grad-reduce"), flags.place("--overlap-grad-reduce"));
  if (flags.has("--overlap-param-gather"))
    overlap.say("gather", "true", flags.place("--overlap-param-gather"));
  if (flags.has("--tp-comm-overlap")) overlap.say("tp", "full", flags.place("--tp-comm-overlap"));
  overlap.say("pp", is_interleaved && !flags.has("--no-overlap-p2p-communication"),
              flags.place("--no-overlap-p2p-communication"));
  const bool in_turns = flags.has("--overlap-moe-expert-parallel-comm");
  if (in_turns)
    overlap.say("ep", "1f1b", flags.place("--overlap-moe-expert-parallel-comm"));
  else if (flags.has("--moe-shared-expert-overlap"))
    overlap.say("ep", "shared", flags.place("--moe-shared-expert-overlap"));
  flags.knows({"--no-overlap-p2p-communication", "--moe-shared-expert-overlap",
               "--overlap-param-gather-with-optimizer-step"});
  job.training.say_map("overlap", overlap, flags.place("--overlap-grad-reduce"));
  const bool delays = flags.has("--delay-wgrad-compute");
  if (delays && in_turns) job.training.say("delay_wgrad", "true", flags.place("--delay-wgrad-compute"));
  if (delays && !in_turns) job.left_out.emplace_back("what --delay-wgrad-compute does is left out");
}

void say_dispatch(const FlagReader& flags, LaunchJob& job) {
  std::string type = flags.text_or("--moe-token-dispatcher-type", "allgather");
  const std::string backend = flags.text_or("--moe-flex-dispatcher-backend", "deepep");
  flags.knows({"--moe-router-fusion"});
  if (flags.whole_or("--num-experts", 0) == 0) return;
  if (flags.has("--moe-enable-deepep")) type = "flex";
  static const std::map<std::string, const char*> kDispatchers{
      {"alltoall", "all-to-all"}, {"alltoall_seq", "all-to-all"}, {"allgather", "all-gather"}};
  std::string word = type == "flex" ? backend : "";
  if (const auto known = kDispatchers.find(type); known != kDispatchers.end()) word = known->second;
  const std::string_view flag = flags.one_of({"--moe-token-dispatcher-type", "--moe-enable-deepep"});
  if (word.empty())
    return flags.complain("--moe-token-dispatcher-type", fmt::format("'{}' is unknown", type),
                          "known: alltoall, allgather, flex");
  job.training.say("dispatcher", word, flags.place(flag));
  const std::string_view sms =
      flags.one_of({"--moe-flex-dispatcher-num-sms",
                    word == "hybridep" ? "--moe-hybridep-num-sms" : "--moe-deepep-num-sms"});
  if (type == "flex" && flags.has(sms))
    job.training.say("dispatcher_sms", flags.text_or(sms, ""), flags.place(sms));
  flags.knows({"--moe-flex-dispatcher-num-sms", "--moe-hybridep-num-sms", "--moe-deepep-num-sms"});
  if (flags.has("--moe-router-fusion"))
    job.training.say("fused_routing", "true", flags.place("--moe-router-fusion"));
  const char* permutes = word == "hybridep" ? "--moe-permute-fusion-into-hybridep" : "--moe-permute-fusion";
  job.training.say("fused_permutation", flags.has(permutes), flags.place(permutes));
  if (flags.has("--moe-expert-capacity-factor")) {
    LaunchMap capacity;
    capacity.say("factor", flags.text_or("--moe-expert-capacity-factor", "1"),
                 flags.place("--moe-expert-capacity-factor"));
    capacity.say("pad", flags.has("--moe-pad-expert-input-to-capacity"),
                 flags.place("--moe-pad-expert-input-to-capacity"));
    job.training.say_map("expert_capacity", capacity, flags.place("--moe-expert-capacity-factor"));
  }
  flags.knows({"--moe-pad-expert-input-to-capacity"});
}

void say_kernels(const FlagReader& flags, LaunchJob& job) {
  const std::string backend =
      flags.text_or("--attention-backend", flags.has("--use-flash-attn") ? "flash" : "auto");
  flags.knows({"--use-flash-attn"});
  const Place place = flags.place("--attention-backend");
  if (backend == "unfused" || backend == "local") job.training.say("attention", "unfused", place);
  if (backend == "fused") job.training.say("flash", "cudnn", place);
  const double dropout =
      std::max(flags.real_or("--hidden-dropout", 0.1), flags.real_or("--attention-dropout", 0.1));
  job.training.say("dropout", dropout > 0.0, flags.place("--hidden-dropout"));
  if (flags.has("--cross-entropy-loss-fusion")) {
    LaunchMap loss;
    loss.say("fused", true, flags.place("--cross-entropy-loss-fusion"));
    job.training.say_map("loss", loss, flags.place("--cross-entropy-loss-fusion"));
  }
  flags.knows({"--cross-entropy-fusion-impl"});
  const std::string graphs = flags.text_or(
      "--cuda-graph-impl",
      flags.has("--enable-cuda-graph") || flags.has("--external-cuda-graph") ? "transformer_engine" : "none");
  if (graphs != "none") {
    const std::vector<std::string> scope =
        flags.list(flags.one_of({"--cuda-graph-scope", "--cuda-graph-modules"}));
    const bool is_full =
        graphs.starts_with("full") || std::find(scope.begin(), scope.end(), "full_iteration") != scope.end();
    job.training.say(
        "graphs", is_full ? "full" : "layer",
        flags.place(flags.one_of({"--cuda-graph-impl", "--enable-cuda-graph", "--external-cuda-graph"})));
  }
  flags.knows({"--cuda-graph-scope", "--cuda-graph-modules", "--enable-cuda-graph", "--external-cuda-graph"});
}

/// The stage of ZeRO that a sharding strategy of Megatron-FSDP is.
void say_zero(const FlagReader& flags, LaunchJob& job) {
  if (flags.has("--use-megatron-fsdp") || flags.has("--use-torch-fsdp2")) {
    const std::string strategy =
        flags.has("--use-torch-fsdp2")
            ? "optim_grads_params"
            : flags.text_or("--data-parallel-sharding-strategy", "optim_grads_params");
    static const std::map<std::string, std::int64_t> kStages{
        {"no_shard", 0}, {"optim", 1}, {"optim_grads", 2}, {"optim_grads_params", 3}};
    const auto stage = kStages.find(strategy);
    if (stage == kStages.end())
      return flags.complain("--data-parallel-sharding-strategy", fmt::format("'{}' is unknown", strategy),
                            "known: no_shard, optim, optim_grads, optim_grads_params");
    const bool keeps = flags.has("--torch-fsdp2-no-reshard-after-forward");
    job.parallelism.say("zero", keeps ? std::int64_t{2} : stage->second,
                        flags.place(flags.one_of({"--use-megatron-fsdp", "--use-torch-fsdp2"})));
  } else if (flags.has("--use-distributed-optimizer")) {
    job.parallelism.say("zero", std::int64_t{1}, flags.place("--use-distributed-optimizer"));
  }
  flags.knows({"--use-distributed-optimizer", "--data-parallel-sharding-strategy"});
}

/// Model chunks per stage: by their number, or by the layers of each.
std::int64_t chunks_per_stage(const FlagReader& flags, std::int64_t pp) {
  if (const auto chunks = flags.whole("--num-virtual-stages-per-pipeline-rank")) return *chunks;
  const auto each = flags.whole("--num-layers-per-virtual-pipeline-stage");
  const std::int64_t layers = flags.whole_or("--num-layers", 0);
  if (!each || *each == 0 || layers == 0) return 1;
  if (layers % (pp * *each) != 0)
    flags.complain(
        "--num-layers-per-virtual-pipeline-stage",
        fmt::format("{} layers are no whole number of chunks of {} in {} stages", layers, *each, pp));
  return std::max<std::int64_t>(1, layers / (pp * *each));
}

/// Layers per stage where the first and the last stage, or embedding and loss, take the place of layers.
void say_stages(const FlagReader& flags, LaunchJob& job, std::int64_t pp, std::int64_t vp) {
  if (const auto layout = flags.text("--pipeline-model-parallel-layout"))
    return job.parallelism.say("stages", *layout, flags.place("--pipeline-model-parallel-layout"));
  const auto first = flags.whole("--decoder-first-pipeline-num-layers");
  const auto last = flags.whole("--decoder-last-pipeline-num-layers");
  const bool embedding = flags.has("--account-for-embedding-in-pipeline-split");
  const bool loss = flags.has("--account-for-loss-in-pipeline-split");
  const std::int64_t layers = flags.whole_or("--num-layers", 0);
  if (pp < 2 || (!first && !last && !embedding && !loss)) return;
  const std::int64_t chunks = pp * vp;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(chunks), 0);
  if (embedding || loss) {
    const std::int64_t each = (layers + (embedding ? 1 : 0) + (loss ? 1 : 0)) / chunks;
    std::fill(counts.begin(), counts.end(), each);
    if (embedding) --counts.front();
    if (loss) --counts.back();
  } else {
    const std::int64_t rest = layers - first.value_or(0) - last.value_or(0);
    const std::int64_t others = pp - (first ? 1 : 0) - (last ? 1 : 0);
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
      const std::int64_t stage = chunk % pp;
      const std::int64_t of_stage = first && stage == 0       ? *first
                                    : last && stage == pp - 1 ? *last
                                                              : rest / std::max<std::int64_t>(1, others);
      counts[static_cast<std::size_t>(chunk)] = of_stage / vp;
    }
  }
  std::vector<std::string> words;
  for (const std::int64_t count : counts) words.push_back(std::to_string(count));
  const std::string_view flag =
      flags.one_of({"--decoder-first-pipeline-num-layers", "--decoder-last-pipeline-num-layers",
                    "--account-for-embedding-in-pipeline-split", "--account-for-loss-in-pipeline-split"});
  job.parallelism.say_list("stages", words, flags.place(flag));
}

void say_context(const FlagReader& flags, LaunchJob& job, std::int64_t cp) {
  if (cp < 2) return flags.knows({"--cp-comm-type"});
  static const std::map<std::string, const char*> kStyles{
      {"p2p", "ring"}, {"allgather", "all-gather"}, {"all_gather", "all-gather"}, {"a2a", "ulysses"}};
  const std::vector<std::string> said = flags.list("--cp-comm-type");
  if (said.empty()) return;
  const auto style = kStyles.find(said.front());
  if (style == kStyles.end() ||
      std::adjacent_find(said.begin(), said.end(), std::not_equal_to<>()) != said.end())
    return flags.complain("--cp-comm-type", "this cannot be planned",
                          "one of p2p, allgather, a2a for all layers");
  job.parallelism.say("cp_style", style->second, flags.place("--cp-comm-type"));
}

void say_length(const FlagReader& flags, LaunchJob& job) {
  const auto samples = flags.whole("--train-samples");
  const auto steps = flags.whole("--train-iters");
  const auto batch = flags.whole("--global-batch-size");
  if (samples)
    job.training.say("samples", *samples, flags.place("--train-samples"));
  else if (steps && batch && *steps > 0)
    job.training.say("samples", checked_product(*steps, *batch), flags.place("--train-iters"));
}

}  // namespace

void say_megatron_training(const FlagReader& flags, LaunchJob& job, const LaunchDevices& devices) {
  const auto degree = [&](const char* flag, const char* key) {
    const std::int64_t value = flags.whole_or(flag, 1);
    if (flags.has(flag)) job.parallelism.say(key, value, flags.place(flag));
    return std::max<std::int64_t>(1, value);
  };
  const std::int64_t tp = degree("--tensor-model-parallel-size", "tp");
  const std::int64_t pp = degree("--pipeline-model-parallel-size", "pp");
  const std::int64_t cp = degree("--context-parallel-size", "cp");
  degree("--expert-model-parallel-size", "ep");
  const bool has_experts = flags.whole_or("--num-experts", 0) > 0;
  if (const auto etp = flags.whole("--expert-tensor-parallel-size"); etp && has_experts)
    job.parallelism.say("etp", *etp, flags.place("--expert-tensor-parallel-size"));
  const std::int64_t vp = chunks_per_stage(flags, pp);
  if (vp > 1)
    job.parallelism.say("vp", vp,
                        flags.place(flags.one_of({"--num-virtual-stages-per-pipeline-rank",
                                                  "--num-layers-per-virtual-pipeline-stage"})));
  job.parallelism.say("sequence_parallel", tp > 1 && flags.has("--sequence-parallel"),
                      flags.place("--sequence-parallel"));
  flags.knows({"--sequence-parallel"});
  const std::int64_t replicas = devices.count / (tp * pp * cp);
  const bool is_changed = flags.is_overridden("parallelism.tp") || flags.is_overridden("parallelism.pp") ||
                          flags.is_overridden("parallelism.cp");
  if (replicas > 0 && devices.is_of_launcher && !is_changed)
    job.parallelism.say("dp", replicas, flags.place("--tensor-model-parallel-size"));
  if (const std::int64_t copies = flags.whole_or("--num-distributed-optimizer-instances", 1); copies > 1) {
    if (replicas > 0)
      job.parallelism.say("dp_shard", replicas / copies,
                          flags.place("--num-distributed-optimizer-instances"));
    else
      job.left_out.emplace_back("optimizer states are taken to be sharded over all of dp");
  }
  say_zero(flags, job);
  say_stages(flags, job, pp, vp);
  say_context(flags, job, cp);
  say_sizes_of_batches(flags, job, replicas);
  say_precision(flags, job);
  say_recompute(flags, job);
  say_optimizer(flags, job);
  say_overlaps(flags, job, vp > 1);
  say_dispatch(flags, job);
  say_kernels(flags, job);
  say_length(flags, job);
}

}  // namespace foreshard::detail
