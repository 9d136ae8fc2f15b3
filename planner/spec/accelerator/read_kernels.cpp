#include "planner/spec/accelerator/read_kernels.hpp"

#include <array>

namespace foreshard {

namespace {

constexpr auto kKernelsKeys = std::to_array<KeyInfo>({
    {"gemm_fixed", "fixed time of one matrix product, as in 5 us"},
    {"gemm_k_prologue", "added to k in a product's time: filling the pipeline of a tile", "0"},
    {"gemm_accumulate", "rate of products that add into an fp32 result, of the others'", "1"},
    {"grouped_efficiency", "rate of experts' products, of that of single ones", "1"},
    {"grouped_efficiency_fp8", "the same for products of 8 bits and fewer; unsaid, grouped_efficiency"},
    {"grouped_fixed", "fixed time of each expert's product, as in 2 us", "0 us"},
    {"memory_efficiency", "fraction of the memory bandwidth that large tensors reach"},
    {"memory_half_size", "bytes moved at which half of that is reached, as in 4 MB"},
    {"memory_fraction", "the same fraction by kind of pass: {norm: 0.6, norm_backward: 0.5}"},
    {"launch", "least time of a dependent kernel, as in 2.5 us"},
    {"graph_launch", "the same in a CUDA graph; 0 us: as launch", "0 us"},
    {"submit", "host time to launch one kernel, as in 5 us", "0 us"},
    {"communication_share", "share of the multiprocessors that a running collective occupies", "0"},
    {"device_spread",
     "standard deviation of speed from device to device, relative; 0.0175 of a GPU if unsaid"},
    {"spread", "relative residual of the fit"},
    {"source", "where the figures come from"},
});
constexpr auto kMemoryFractionKeys = std::to_array<KeyInfo>({
    {"gemm", "matrix products that memory limits; each kind unsaid: memory_efficiency"},
    {"gemm_backward", "the same, backward; each kind's backward unsaid: as forward"},
    {"grouped_gemm", "experts' products that memory limits"},
    {"grouped_gemm_backward", "the same, backward"},
    {"elementwise", "add, multiply, cast, accumulate, zero"},
    {"elementwise_backward", "the same, backward"},
    {"reduction", "bias gradients, sums of squares"},
    {"reduction_backward", "the same, backward"},
    {"activation", "gelu, relu, sqrelu, silu, sigmoid, swiglu, geglu, glu"},
    {"activation_backward", "the same, backward"},
    {"dropout", "dropout, alone or with the residual connection"},
    {"dropout_backward", "the same, backward"},
    {"softmax", "softmax of an unfused attention core"},
    {"softmax_backward", "the same, backward"},
    {"norm", "rmsnorm, layernorm"},
    {"norm_backward", "the same, backward"},
    {"rope", "rotary positions"},
    {"rope_backward", "the same, backward"},
    {"embedding", "rows of a table"},
    {"embedding_backward", "adding to rows of its gradient"},
    {"convolution", "a linear mixer's causal convolution; unsaid, 0.8 of memory_efficiency"},
    {"convolution_backward", "the same, backward"},
    {"scan", "the kernels of a linear mixer's scan; unsaid, 0.73 of memory_efficiency"},
    {"scan_backward", "the same, backward"},
    {"cross_entropy", "each part of the loss"},
    {"cross_entropy_backward", "the same, backward"},
    {"routing", "choice of experts, and token rows put into their order and back"},
    {"routing_backward", "the same, backward"},
    {"attention", "fused attention that memory limits"},
    {"attention_backward", "the same, backward"},
    {"optimizer", "one update"},
    {"quantise", "copies in 8 and 4 bits, with their largest magnitudes and transposes"},
});
constexpr auto kAttentionKeys = std::to_array<KeyInfo>({
    {"fa1", "FlashAttention"},
    {"fa2", "FlashAttention-2"},
    {"fa3", "FlashAttention-3"},
    {"fa4", "FlashAttention-4"},
    {"cudnn", "cuDNN's fused attention"},
    {"triton", "Triton's fused attention"},
    {"source", "where the figures come from"},
});
constexpr auto kFlashKeys = std::to_array<KeyInfo>({
    {"forward", "{efficiency: 0.6, score_cost: 20, key_prologue: 150, tail_rows: 100}"},
    {"backward", "the same, backward"},
    {"in_step", "rate inside a training step, of that measured alone", "1"},
    {"source", "where the figures come from"},
});
constexpr auto kAttentionRateKeys = std::to_array<KeyInfo>({
    {"efficiency", "fraction of the GEMM peak: long sequences, many heads, head dimension 128"},
    {"score_cost", "a score costs as much as this many elements of a head more", "0"},
    {"key_prologue", "a row of queries costs as if it saw this many keys more", "0"},
    {"tail_rows", "rows per multiprocessor that the last, unevenly filled wave costs", "0"},
});
constexpr auto kFitKeys = std::to_array<KeyInfo>({
    {"data", "name of the set of measured kernels"},
    {"fitted", "true where the constants are fitted to it; false where it only judges them"},
    {"kernels", "in the set"},
    {"mean_error", "mean of |predicted/measured - 1|"},
    {"spread", "standard deviation of log(predicted/measured)"},
});

constexpr bool kZeroAllowed = true;
/// The relative standard deviation of speed between GPUs, if the accelerator's file does not say it.
/// Source: docs/cost_model.md.
constexpr double kUsualDeviceSpread = 0.0175;

MemoryFraction read_fraction(const MapReader& fractions, std::string_view pass) {
  MemoryFraction fraction;
  fraction.forward = fractions.maybe(pass, Fraction{});
  if (pass != word_of(MemoryPass::optimizer) && pass != word_of(MemoryPass::quantise))
    fraction.backward = fractions.maybe(std::string(pass) + "_backward", Fraction{});
  return fraction;
}

AttentionRate read_rate(const std::optional<MapReader>& map) {
  AttentionRate rate;
  if (!map) return rate;
  rate.efficiency = map->required("efficiency", Fraction{});
  rate.score_cost = map->optional("score_cost", RealNumber{}, 0.0);
  rate.key_prologue = map->optional("key_prologue", RealNumber{}, 0.0);
  rate.tail_rows = map->optional("tail_rows", RealNumber{}, 0.0);
  return rate;
}

void read_attention(const MapReader& accelerator, KernelConstants& constants) {
  const std::optional<MapReader> attention = accelerator.child("attention", kAttentionKeys);
  if (!attention) return;
  attention->maybe("source", Text{});
  for (const Named<FlashVersion>& named : kWords<FlashVersion>) {
    const std::optional<MapReader> version = attention->child(named.word, kFlashKeys);
    if (!version) continue;
    version->maybe("source", Text{});
    constants.attention[static_cast<std::size_t>(named.value)] = FlashAttention{
        .forward = read_rate(version->required_child("forward", kAttentionRateKeys)),
        .backward = read_rate(version->required_child("backward", kAttentionRateKeys)),
        .in_step = version->optional("in_step", Fraction{}, 1.0),
    };
  }
}

}  // namespace

KeyTable kernels_keys() { return kKernelsKeys; }
KeyTable memory_fraction_keys() { return kMemoryFractionKeys; }
KeyTable attention_keys() { return kAttentionKeys; }
KeyTable flash_keys() { return kFlashKeys; }
KeyTable attention_rate_keys() { return kAttentionRateKeys; }
KeyTable fit_keys() { return kFitKeys; }

KernelConstants read_kernels(const MapReader& accelerator, bool is_cpu) {
  KernelConstants constants;
  read_attention(accelerator, constants);
  const std::optional<MapReader> kernels = accelerator.required_child("kernels", kKernelsKeys);
  if (!kernels) return constants;
  constants.gemm_fixed = kernels->required("gemm_fixed", kDelay);
  constants.gemm_k_prologue = kernels->optional("gemm_k_prologue", WholeNumber{0, 1'000'000}, 0);
  constants.gemm_accumulate = kernels->optional("gemm_accumulate", Fraction{}, 1.0);
  constants.grouped_efficiency = kernels->optional("grouped_efficiency", Fraction{}, 1.0);
  constants.grouped_efficiency_fp8 = kernels->maybe("grouped_efficiency_fp8", Fraction{});
  constants.grouped_fixed = kernels->optional("grouped_fixed", kDelay, Seconds(0.0));
  constants.memory_efficiency = kernels->required("memory_efficiency", Fraction{});
  constants.memory_half_size = kernels->required("memory_half_size", Measured<Bytes>{kZeroAllowed});
  if (const auto fractions = kernels->child("memory_fraction", kMemoryFractionKeys)) {
    for (const Named<MemoryPass>& named : kWords<MemoryPass>)
      constants.memory_fraction[static_cast<std::size_t>(named.value)] =
          read_fraction(*fractions, named.word);
  }
  constants.launch = kernels->required("launch", kDelay);
  constants.graph_launch = kernels->optional("graph_launch", kDelay, Seconds(0.0));
  constants.submit = kernels->optional("submit", kDelay, Seconds(0.0));
  constants.communication_share = kernels->optional("communication_share", RealNumber{0.0, 0.9}, 0.0);
  constants.device_spread =
      kernels->optional("device_spread", RealNumber{0.0, 0.5}, is_cpu ? 0.0 : kUsualDeviceSpread);
  constants.spread = kernels->required("spread", RealNumber{0.0, 1.0});
  kernels->maybe("source", Text{});
  return constants;
}

std::vector<KernelFit> read_fits(const MapReader& accelerator) {
  std::vector<KernelFit> fits;
  for (const MapReader& map : accelerator.children("fits", kFitKeys)) {
    fits.push_back({.data = map.required("data", Text{}),
                    .fitted = map.required("fitted", Boolean{}),
                    .kernels = map.required("kernels", WholeNumber{}),
                    .mean_error = map.required("mean_error", RealNumber{}),
                    .spread = map.required("spread", RealNumber{})});
  }
  return fits;
}

}  // namespace foreshard
