#include "planner/spec/job/read_precision.hpp"

#include <array>

#include "planner/spec/job/read_job.hpp"

namespace foreshard {

namespace {

constexpr auto kBf16LayersKeys = std::to_array<KeyInfo>({
    {"first", "layers at the start of the model", "0"},
    {"last", "layers at its end", "0"},
});

/// DelayedScaling is Transformer Engine's default recipe; torchao's is tensorwise.
Fp8Scaling usual_scaling(Framework framework) {
  switch (framework_conventions(framework).quantisers) {
    case Quantisers::transformer_engine: return Fp8Scaling::delayed;
    case Quantisers::torchao:
    case Quantisers::fused: return Fp8Scaling::tensorwise;
  }
  return Fp8Scaling::tensorwise;
}

}  // namespace

KeyTable bf16_layers_keys() { return kBf16LayersKeys; }

void read_precision(const MapReader& map, Framework framework, TrainingSpec& training) {
  training.precision = map.optional("precision", Choice<Precision>{}, training.precision);
  training.fp8_scaling = map.optional("fp8_scaling", Choice<Fp8Scaling>{}, usual_scaling(framework));
  const bool is_mx = training.precision == Precision::fp8 && training.fp8_scaling == Fp8Scaling::mx;
  if (is_mx) training.precision = Precision::mxfp8;
  training.says_fp8_scaling = map.has("fp8_scaling");
  LowPrecisionSpec& low = training.low_precision;
  low.parameter_gather = map.optional("fp8_parameter_gather", Boolean{}, low.parameter_gather);
  low.attention = map.optional("attention_precision", Choice<AttentionPrecision>{}, low.attention);
  if (const auto layers = map.child("bf16_layers", kBf16LayersKeys)) {
    low.bf16_first = layers->optional("first", WholeNumber{0, WholeNumber::kMany}, 0);
    low.bf16_last = layers->optional("last", WholeNumber{0, WholeNumber::kMany}, 0);
  }
}

}  // namespace foreshard
