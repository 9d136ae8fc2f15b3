#pragma once

#include <optional>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// How a job's framework makes the copies in 8 or 4 bits that matrix products read. A product needs each
/// operand scaled along the dimension that it sums over:
///   forward          inputs and weights along their rows
///   backward-input   gradients along their rows, weights across them
///   backward-weight  gradients and inputs across their rows
/// Sources, and the same as a table: docs/precisions.md.
struct QuantiserRules {
  DType format = DType::fp8;
  /// The copy across has other scales than that along the rows. If false, both are the same numbers.
  bool across_differs = false;
  /// Both are the same numbers, but the device multiplies only operands whose rows it sums over: the copy
  /// across is a transposed one.
  bool transposes = false;
  bool measures = false;  ///< the scale needs a pass over the tensor that finds its largest magnitude
  bool measures_across =
      false;                   ///< the same, for copies across only: columns do not fit into a kernel's block
  bool norm_measures = false;  ///< a norm finds the largest magnitude of its result
  bool norm_writes = false;    ///< a norm writes the copies instead of its result
  bool activation_measures = false;  ///< the same of the activation between the products of an FFN
  bool activation_writes = false;
  /// The products of routed experts make the activation and its copies themselves (training.fused_grouped_gemm).
  bool experts_activation_writes = false;
  /// Backward reads copies that forward made. If false, forward keeps the inputs themselves.
  bool keeps_copies = true;
  /// The output projection keeps its input itself, which attention keeps anyway, and not a copy.
  bool keeps_attention_output = false;
  bool gathers_copies = true;       ///< sequence parallelism gathers the copies, not what they are made of
  bool shares_magnitudes = false;   ///< … and then the largest magnitude is that over all tp ranks
  bool keeps_weight_copies = true;  ///< copies of weights are made once per step
  bool parameter_gather = false;    ///< training.fp8_parameter_gather
  bool delayed = false;             ///< scales come from the magnitudes of earlier steps
  bool attention = false;           ///< attention in fp8
};

/// True if the kernel of experts' products also runs the activation between them, forward and backward, and writes its
/// result in the products' precision: Transformer Engine has such a kernel for mxfp8 (ops/fused/forward_grouped_mlp.py
/// and backward_grouped_mlp.py).
bool activates_in_products(const JobSpec& job);

/// None where the job's products have 16 bits or more.
std::optional<QuantiserRules> quantiser_rules(const JobSpec& job);

}  // namespace foreshard
