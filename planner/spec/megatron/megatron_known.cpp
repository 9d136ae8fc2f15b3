#include <algorithm>
#include <array>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/megatron/megatron_parts.hpp"

namespace foreshard::detail {

namespace {

/// A flag, or several by a star at the beginning or the end.
struct KnownFlag {
  std::string_view flag;
  std::string_view reason;
};

constexpr std::string_view kFiles = "files and checkpoints";
constexpr std::string_view kData = "data and tokens";
constexpr std::string_view kLogs = "logs and measurements";
constexpr std::string_view kRates = "learning rates and regularisation: their work is the same";
constexpr std::string_view kBeginning = "how weights start";
constexpr std::string_view kScalars = "constants in elementwise operations, and kernels' small choices";
constexpr std::string_view kProcess = "processes, timeouts and checks";
constexpr std::string_view kScores = "how scores of experts are scaled or chosen: their work is the same";

/// Flags without meaning for a plan.
constexpr auto kMeaningless = std::to_array<KnownFlag>({
    {"--save*", kFiles},
    {"--load*", kFiles},
    {"--no-load-*", kFiles},
    {"--no-save-*", kFiles},
    {"--ckpt*", kFiles},
    {"--dist-ckpt*", kFiles},
    {"--use-dist-ckpt*", kFiles},
    {"--no-ckpt*", kFiles},
    {"--auto-detect-ckpt-format", kFiles},
    {"--async-*", kFiles},
    {"--use-persistent-ckpt-worker", kFiles},
    {"--use-checkpoint-opt*", kFiles},
    {"--pretrained-checkpoint", kFiles},
    {"--finetune", kFiles},
    {"--exit-on-missing-checkpoint", kFiles},
    {"--override-opt*", kFiles},
    {"--non-persistent-*", kFiles},
    {"--init-model-with-meta-device", kFiles},
    {"--data-*path*", kData},
    {"--data-cache-path", kData},
    {"--mock-data", kData},
    {"--split", kData},
    {"--tokenizer-*", kData},
    {"--tiktoken-*", kData},
    {"--vocab-file", kData},
    {"--merge-file", kData},
    {"--vocab-extra-ids", kData},
    {"--verify-integrity", kFiles},
    {"--error-injection-*", kProcess},
    {"--dataloader-*", kData},
    {"--num-workers", kData},
    {"--no-mmap-bin-files", kData},
    {"--reset-*", kData},
    {"--eod-mask-loss", kData},
    {"--no-create-attention-mask-in-dataloader", kData},
    {"--num-dataset-builder-threads", kData},
    {"--train-data-path", kData},
    {"--valid-data-path", kData},
    {"--test-data-path", kData},
    {"--per-split-data-args-path", kData},
    {"--trust-remote-code", kData},
    {"--object-storage-*", kData},
    {"--legacy-tokenizer", kData},
    {"--s3-*", kData},
    {"--log-*", kLogs},
    {"--timing-*", kLogs},
    {"--tensorboard-*", kLogs},
    {"--wandb-*", kLogs},
    {"--profile*", kLogs},
    {"--use-pytorch-profiler", kLogs},
    {"--record-memory-history", kLogs},
    {"--memory-snapshot-path", kLogs},
    {"--logging-level", kLogs},
    {"--eval-*", kLogs},
    {"--moe-per-layer-logging", kLogs},
    {"--one-logger-*", kLogs},
    {"--enable-one-logger", kLogs},
    {"--no-one-logger", kLogs},
    {"--no-record-throughput", kLogs},
    {"--nsys*", kLogs},
    {"--pytorch-profiler-*", kLogs},
    {"--print-*", kLogs},
    {"--lr", kRates},
    {"--lr-*", kRates},
    {"--min-lr", kRates},
    {"--decoupled-*", kRates},
    {"--weight-decay*", kRates},
    {"--start-weight-decay", kRates},
    {"--end-weight-decay", kRates},
    {"--clip-grad", kRates},
    {"--adam-*", kRates},
    {"--sgd-*", kRates},
    {"--muon-*", kRates},
    {"--loss-scale*", kRates},
    {"--initial-loss-scale", kRates},
    {"--min-loss-scale", kRates},
    {"--hysteresis", kRates},
    {"--rampup-batch-size", kRates},
    {"--step-batch-size-schedule", kRates},
    {"--warmup", kRates},
    {"--use-checkpoint-lr*", kRates},
    {"--train-iters", kRates},
    {"--train-samples", kRates},
    {"--exit-*", kProcess},
    {"--init-method-*", kBeginning},
    {"--seed", kBeginning},
    {"--embedding-init-*", kBeginning},
    {"--*perform-initialization", kBeginning},
    {"--norm-epsilon", kScalars},
    {"--layernorm-epsilon", kScalars},
    {"--apply-layernorm-1p", kScalars},
    {"--rotary-*", kScalars},
    {"--rope-*", kScalars},
    {"--use-rope-scaling", kScalars},
    {"--yarn-*", kScalars},
    {"--mscale*", kScalars},
    {"--no-rope-fusion", kScalars},
    {"--no-bias-*-fusion", kScalars},
    {"--no-bias-*", kScalars},
    {"--no-masked-softmax-fusion", kScalars},
    {"--apply-query-key-layer-scaling", kScalars},
    {"--attention-softmax-in-fp32", kScalars},
    {"--no-persist-layer-norm", kScalars},
    {"--glu-linear-offset", kScalars},
    {"--activation-func-clamp-value", kScalars},
    {"--use-fused-weighted-squared-relu", kScalars},
    {"--fp8-amax-*", kScalars},
    {"--fp8-margin", kScalars},
    {"--fp8-interval", kScalars},
    {"--apply-residual-connection-post-layernorm", kScalars},
    {"--disable-bf16-reduced-precision-matmul", kScalars},
    {"--softmax-scale", kScalars},
    {"--enable-gpt-oss", kScalars},
    {"--te-rng-tracker", kScalars},
    {"--inference-rng-tracker", kScalars},
    {"--no-fp8-wgrad", kScalars},
    {"--moe-router-load-balancing-type", kScores},
    {"--moe-aux-loss-coeff", kScores},
    {"--moe-z-loss-coeff", kScores},
    {"--moe-router-topk-scaling-factor", kScores},
    {"--moe-router-score-function", kScores},
    {"--moe-router-pre-softmax", kScores},
    {"--moe-router-dtype", kScores},
    {"--moe-router-bias-update-rate", kScores},
    {"--moe-input-jitter-eps", kScores},
    {"--moe-router-force-load-balancing", kScores},
    {"--mtp-loss-scaling-factor", kScores},
    {"--moe-grouped-gemm", kScores},
    {"--moe-permute-fusion", kScores},
    {"--distributed-*", kProcess},
    {"--use-mcore-models", kProcess},
    {"--transformer-impl", kProcess},
    {"--spec", kProcess},
    {"--model-provider", kProcess},
    {"--is-hybrid-model", kProcess},
    {"--manual-gc*", kProcess},
    {"--empty-unused-memory-level", kProcess},
    {"--no-check-for-nan*", kProcess},
    {"--check-*", kProcess},
    {"--disable-gloo-process-groups", kProcess},
    {"--enable-gloo-process-groups", kProcess},
    {"--use-tp-pp-dp-mapping", kProcess},
    {"--deterministic-mode", kProcess},
    {"--rerun-*", kProcess},
    {"--enable-ft-package", kProcess},
    {"--inprocess-*", kProcess},
    {"--enable-experimental", kProcess},
    {"--high-priority-stream-groups", kProcess},
    {"--use-cpu-initialization", kProcess},
    {"--calculate-per-token-loss", kProcess},
    {"--straggler-*", kProcess},
    {"--local-rank", kProcess},
    {"--use-ring-exchange-p2p", kProcess},
    {"--export-*", kProcess},
    {"--adlr-*", kProcess},
    {"--test-mode", kProcess},
    {"--bert-no-binary-head", kProcess},
    {"--max-tokens-to-oom", kProcess},
    {"--inference-*", kProcess},
    {"--fim-*", kData},
    {"--no-align-*", kProcess},
});

/// Flags with an effect that no key of a job says.
constexpr auto kUnplannedEffects = std::to_array<KnownFlag>({
    {"--no-gradient-accumulation-fusion", "gradients are taken to be added by the products themselves"},
    {"--wgrad-deferral-limit", "deferred weight gradients of the embedding"},
    {"--defer-embedding-wgrad-compute", "deferred weight gradients of the embedding"},
    {"--tp-comm-overlap-*", "which products overlap tensor parallelism is not told apart"},
    {"--ddp-*", "sizes of buckets are the framework's"},
    {"--use-nccl-ub", "user buffers of NCCL"},
    {"--fsdp-double-buffer", "a second buffer of gathered weights"},
    {"--megatron-fsdp-*", "types of Megatron-FSDP's gradients"},
    {"--fine-grained-activation-offloading", "activations kept in the host's memory"},
    {"--cpu-offloading*", "activations kept in the host's memory"},
    {"--offload-modules", "activations kept in the host's memory"},
    {"--moe-router-padding-for-*", "rows of experts padded for low precision"},
    {"--moe-hybridep-*", "SMs of the dispatcher"},
    {"--moe-deepep-*", "SMs of the dispatcher"},
    {"--moe-flex-dispatcher-num-sms", "SMs of the dispatcher"},
    {"--reuse-grad-buf-for-mxfp8-param-ag", "one buffer for gradients and gathered weights"},
    {"--microbatch-group-size-per-virtual-pipeline-stage",
     "groups of micro-batches in interleaved schedules"},
    {"--mtp-use-repeated-layer", "layers of multi-token prediction"},
    {"--hierarchical-context-parallel-sizes", "context parallelism in two levels"},
    {"--overlap-p2p-communication-warmup-flush", "overlap of transfers in warm-up and flush"},
    {"--no-overlap-p2p-communication", "overlap of transfers"},
    {"--fp16-lm-cross-entropy", "the type of the loss"},
    {"--dsa-indexer-loss-coeff", "the indexer's loss"},
    {"--use-transformer-engine-op-fuser", "fused operations of TransformerEngine"},
    {"--no-pin-cpu-*", "pinned memory of the host"},
    {"--overlap-cpu-optimizer-d2h-h2d", "copies to the host behind the optimizer"},
});

/// Flags that make another kind of job.
constexpr auto kOtherJobs = std::to_array<KnownFlag>({
    {"--rl-*", "reinforcement learning"},
    {"--perform-rl-step", "reinforcement learning"},
    {"--grpo-*", "reinforcement learning"},
    {"--encoder-num-layers", "an encoder and a decoder"},
    {"--heterogeneous-layers-config-path", "layers described in a file beside this one"},
    {"--heterogeneous-layers-config-encoded-json", "layers described in an encoded text"},
    {"--export-kd-*", "distillation"},
    {"--flextron", "networks inside networks"},
    {"--vision-*", "a vision part"},
    {"--img-*", "a vision part"},
    {"--patch-dim", "a vision part"},
    {"--language-model-type", "a vision part"},
    {"--retro-*", "retrieval"},
    {"--use-mup", "another parametrisation of widths"},
});

bool flag_matches(std::string_view pattern, std::string_view flag) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == flag;
  const std::string_view begin = pattern.substr(0, star);
  const std::string_view end = pattern.substr(pattern.rfind('*') + 1);
  return flag.size() >= begin.size() + end.size() && flag.starts_with(begin) && flag.ends_with(end);
}

template <std::size_t N>
const KnownFlag* known(const std::array<KnownFlag, N>& table, std::string_view flag) {
  const auto* const found = std::find_if(
      table.begin(), table.end(), [&](const KnownFlag& entry) { return flag_matches(entry.flag, flag); });
  return found == table.end() ? nullptr : found;
}

}  // namespace

void account_for_flags(const FlagReader& flags, LaunchJob& job) {
  std::vector<std::string> meaningless;
  std::vector<std::string> effects;
  std::vector<std::string> unknown;
  for (const Flag* const flag : flags.unread()) {
    if (const KnownFlag* const other = known(kOtherJobs, flag->name))
      flags.complain(flag->name, fmt::format("foreshard has no notion of {}", other->reason));
    else if (const KnownFlag* const effect = known(kUnplannedEffects, flag->name))
      effects.push_back(fmt::format("{} ({})", flag->name, effect->reason));
    else if (known(kMeaningless, flag->name) != nullptr)
      meaningless.push_back(flag->name);
    else
      unknown.push_back(flag->name);
  }
  if (!effects.empty())
    job.left_out.push_back(
        fmt::format("flags with an effect that no key says: {}", fmt::join(effects, "; ")));
  if (!unknown.empty())
    job.left_out.push_back(fmt::format("flags that are not known: {}", fmt::join(unknown, ", ")));
  if (!meaningless.empty())
    job.left_out.push_back(fmt::format("flags without meaning for a plan: {}", fmt::join(meaningless, ", ")));
}

}  // namespace foreshard::detail
