#pragma once

#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "planner/spec/load/load.hpp"
#include "planner/spec/yaml/diagnostic.hpp"
#include "tests/support/random_bundled_jobs.hpp"

// Jobs of bundled models with values of all further keys of a job file: what random_bundled_jobs.hpp leaves at its
// defaults.

namespace foreshard::test {

struct KeyValues {
  const char* key;
  std::vector<const char*> values;
};

/// Keys of a job beyond those that BundledJobDraw draws, each with legal values. Not every value is legal in every job.
inline const std::vector<KeyValues>& further_keys() {
  static const std::vector<KeyValues> keys{
      // Models whose layers differ from those that the base draw has, and domains beyond eight devices.
      {"model",
       {"deepseek-v3.2", "deepseek-v4-flash", "gemma-3-27b", "glm-4.5", "glm-5", "gpt-oss-20b",
        "kimi-linear-48b-a3b", "llama4-scout", "minimax-m2", "nemotron-3-nano-30b-a3b",
        "nemotron-3-super-120b-a12b", "nemotron-h-56b", "olmo-3-32b", "qwen3-next-80b-a3b", "smollm3-3b"}},
      {"cluster.name",
       {"gb200-nvl72", "helios-mi455x", "aws-g5", "alps", "dgx-b300", "gcp-a3-mega", "mi355x-node"}},
      {"framework",
       {"{name: megatron, release: 2023.06}", "{name: torch-fsdp, release: 2024.06}",
        "{name: deepspeed, release: 2021.06}"}},
      {"parallelism.etp", {"1", "2", "4"}},
      {"parallelism.dp_shard", {"1", "2", "4", "8"}},
      {"training.precision", {"tf32", "fp8", "mxfp8", "nvfp4"}},
      {"training.flash", {"fa1", "fa2", "fa3", "fa4", "cudnn", "triton"}},
      {"training.fp8_scaling", {"delayed", "tensorwise", "rowwise", "block", "mx"}},
      {"training.fp8_parameter_gather", {"true"}},
      {"training.attention_precision", {"fp8"}},
      {"training.bf16_layers", {"{first: 1, last: 1}", "{last: 2}"}},
      {"training.graphs", {"layer", "full"}},
      {"training.recompute",
       {"[core_attn]", "[layernorm, mlp]", "[moe_act]", "[moe, shared_experts]", "[mla_up_proj]"}},
      {"training.recompute_layers", {"1", "0.5", "{every: 2}", "{first: 1}", "{share: 0.3}"}},
      {"training.documents",
       {"512", "{mean: 700, sigma: 1.0}", "{mean: 512, packed: false}", "{lengths: [128, 1024]}",
        "{lengths: [100, 300, 50], drawn: false}"}},
      {"training.overlap.gather", {"true", "false"}},
      {"training.overlap.ep", {"none", "shared", "1f1b"}},
      {"training.delay_wgrad", {"true"}},
      {"training.dispatcher", {"all-to-all", "all-gather", "deepep", "hybridep", "loop"}},
      {"training.dispatch_precision", {"fp8"}},
      {"training.activation_func_fp8_input_store", {"true"}},
      {"training.dispatcher_sms", {"8", "32"}},
      {"training.expert_capacity", {"1.25", "{factor: 2.0, pad: true}"}},
      {"training.fused_kernels", {"true", "false"}},
      {"training.fused_grouped_gemm", {"true"}},
      {"training.fused_routing", {"true"}},
      {"training.fused_permutation", {"true"}},
      {"training.optimizer", {"adamw-8bit", "adafactor", "lion", "muon"}},
      {"training.states",
       {"{master: none}", "{master: fp32-remainder}", "{master: bf16-stochastic}", "{moments: bf16}",
        "{moments: fp8}", "{moments: fp16}", "{moments: int8}", "{paged: true}"}},
      {"training.optimizer_in_backward", {"true"}},
      {"training.optimizer_post_validation", {"true"}},
      {"training.offload", {"{optimizer: 1}", "{optimizer: 0.5}", "{weights: 1}", "{activations: 0.5}"}},
      {"training.reshard_after_forward", {"false"}},
      {"training.loss",
       {"{fused: true}", "{compiled: true}", "{cut: true}", "{chunks: 4}", "{sharded: false}"}},
      {"training.buckets", {"{reduce: 1000000}", "{prefetch: 1000000000, live: 2000000000}", "{live: 0}"}},
      {"training.expandable_segments", {"false"}},
      {"parallelism.zero_quantized_weights", {"true"}},
      {"parallelism.zero_quantized_gradients", {"true"}},
      {"parallelism.zero_hpz", {"2", "4", "8"}},
      {"training.tokens", {"1T"}},
      {"training.samples", {"1000000"}},
      {"training.failures", {"{mtbf_per_device: 50000 h, checkpoint_write: 60 s, restart: 10 min}"}},
      {"lora",
       {"{rank: 16, targets: [q, v], base: nf4}", "{rank: 16, targets: [q, v, down], dora: true}",
        "{rank: 8, targets: [attention, ffn], base: int8}",
        "{rank: 64, targets: [gate, up, down], base: fp8}",
        "{rank: 16, targets: [attention, ffn], fused: true}",
        "{rank: 16, targets: [q, k, v, o, head], dropout: true}", "{rank: 8, targets: [experts]}"}},
      {"model.experts.imbalance", {"1.2", "{spread: 0.3}"}},
      {"model.experts.shared_hidden", {"2048"}},
      {"model.experts.score_bias", {"true"}},
      {"model.experts.shared_gate", {"true"}},
      {"model.experts.latent", {"1024"}},
      {"model.experts.groups", {"4"}},
      {"model.window", {"512"}},
      {"model.mtp", {"{layers: 1}"}},
      {"model.hyper_connections", {"{streams: 4}"}},
      {"model.parallel_residual", {"true"}},
      {"model.norms_per_layer", {"1", "4"}},
      {"model.tied_embeddings", {"true"}},
      {"model.attention_sinks", {"true"}},
      {"model.qk_norm", {"true"}},
      {"model.qk_norm_whole", {"true"}},
      {"model.biases", {"qkv", "all"}},
      {"model.positions", {"learned", "alibi", "none"}},
      {"model.ffn", {"geglu", "gelu", "sqrelu"}},
      {"model.attention",
       {"{kind: softmax, gate: elementwise}", "{kind: softmax, gate: headwise}",
        "{kind: softmax, chunk: 1024}", "{kind: softmax, rotary_dim: 32}"}},
      {"cluster.network.oversubscription", {"2"}},
  };
  return keys;
}

/// A drawn job, with the overrides that its text does not have.
struct KeyJob {
  std::string text;
  std::vector<Override> overrides;
  JobSpec job;
  /// The job as its file and `--set` would say it.
  [[nodiscard]] std::string words() const {
    std::string words = text;
    for (const Override& override : overrides)
      words += "--set '" + override.path + "=" + override.value + "'\n";
    return words;
  }
};

/// Draws jobs; the same seed gives the same jobs on every machine.
class KeyJobDraw {
 public:
  explicit KeyJobDraw(std::uint64_t seed) : base_(seed), engine_(seed) {}

  /// The next legal job that has at least one of the further keys.
  KeyJob next() {
    for (;;) {
      KeyJob drawn{.text = base_.next().text, .overrides = {}, .job = {}};
      // The keys one after the other, as long as the job stays legal, so that rare combinations come up.
      for (std::size_t tries = 1 + engine_() % 12; tries > 0; --tries) {
        const KeyValues& key = further_keys()[engine_() % further_keys().size()];
        std::vector<Override> more = drawn.overrides;
        more.push_back({key.key, key.values[engine_() % key.values.size()]});
        try {
          drawn.job = parse_jobs(drawn.text, "drawn.yaml", more).front();
          drawn.overrides = std::move(more);
        } catch (const SpecError&) {
          // Not legal with this key: leave it out.
        }
      }
      if (!drawn.overrides.empty()) return drawn;
    }
  }

 private:
  BundledJobDraw base_;
  std::mt19937_64 engine_;
};

}  // namespace foreshard::test
