#pragma once

#include <cstdint>

#include "planner/units/count.hpp"
#include "planner/units/dtype.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

enum class Framework : std::uint8_t {
  megatron,
  megatron_deepspeed,
  torch_fsdp,
  deepspeed,
  nanotron,
  foreshard
};

/// How tensor-parallel communication hides: not at all; the backward collective behind the weight gradient;
/// or cut into pieces that run beside the product they feed.
enum class TpOverlap : std::uint8_t { none, wgrad, full };

struct OverlapSpec {
  TpOverlap tp = TpOverlap::none;
  bool dp = false;
  bool pp = false;
  bool cp = false;
  bool ep = false;
};

/// What people's training stacks do differently, each with its source in docs/frameworks.md. A job's own keys
/// win.
struct FrameworkConventions {
  DType gradient_dtype = DType::fp32;  ///< in which gradients are kept and reduced
  /// Under ZeRO-3, fp32 masters stand beside low-precision weights; else the weights that are kept and cut
  /// are fp32 themselves, and gathering narrows them.
  bool fp32_master_weights = true;
  Bytes bucket{};       ///< gradients per data-parallel collective; 0: one for everything
  OverlapSpec overlap;  ///< default of training.overlap
  bool regather_sequence =
      true;  ///< sequence parallelism gathers its inputs again in backward, not keeps them
  bool recompute_whole_layer = true;  ///< full recomputation reruns every operation, not only those needed
  bool compiled = true;               ///< default of training.compiled
  bool dropout = false;               ///< default of training.dropout for LayerNorm models
  bool scatter_pipeline = false;      ///< pipeline transfers carry 1/tp of the activation even without SP
  int prefetch_layers = 1;            ///< ZeRO-3: layers gathered ahead
  bool fp32_logits = true;            ///< the loss works on an fp32 copy of the logits
  Bytes context{};                    ///< device memory taken before the first tensor (driver, communicators)
  double fragmentation = 0.0;         ///< reserved over allocated − 1 of the framework's allocator
};

FrameworkConventions framework_conventions(Framework framework);

}  // namespace foreshard
