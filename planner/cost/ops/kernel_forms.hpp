#pragma once

#include <cstdint>

#include "planner/program/ops/op.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/count.hpp"

namespace foreshard {

/// How the job's framework runs those operations that a framework may run as one kernel or as several.
struct KernelForms {
  bool fused_kernels = true;  ///< RMSNorm and rotary embedding are one kernel each
  bool fused_softmax = true;  ///< in an unfused attention core, the softmax kernel also scales and masks
  bool autograd = false;      ///< sums of gradients and gradients of a norm's weights are separate passes
  LossKernels loss = LossKernels::fused;
  OptimizerKernels optimizer = OptimizerKernels::fused;
  StatesSpec states{};
  bool fp16 = false;  ///< gradients are scaled, and unscaled before the optimizer's update
  /// Rows on a rank with several experts are sorted by expert in a separate pass, of so many times the rows that the
  /// rank sends: those that its etp group gathered. 0: nothing is sorted.
  std::int64_t sorted_rows = 0;
  /// Rows are copied into their order, weighed and summed by single PyTorch operations; sums are atomic.
  bool permutes_in_torch = false;
  RoutingKernels routing = RoutingKernels::fused;
  bool kernel_per_expert = false;  ///< experts' products are launched one by one
  /// The choice of experts is a few fused kernels (training.fused_routing).
  bool fused_choice = false;
  bool counts_for_exchange = true;  ///< further kernels make the counts and offsets of an all-to-all
  bool exchange_permutes = false;   ///< the kernels of the exchange bring rows into their order
  bool pads_rows = false;           ///< rows of each expert are copied to a padded number, and back
  bool adapters_apart = false;      ///< adapters' results are scaled and added in passes of their own
  bool drops_inputs = false;        ///< inputs of adapters go through dropout
  bool product_activates = false;   ///< the kernel of experts' products runs the activation between them
  /// Copies in 8 bits of rows of experts are made by a kernel per expert: so many kernels.
  std::int64_t quantiser_kernels = 1;
  /// Kernels around the search for a tensor's largest magnitude: they clear it and make the scale of it.
  std::int64_t scale_kernels = 0;
};
KernelForms kernel_forms(const JobSpec& job);

/// The kernels of an operation beyond its first one, and the bytes that they move.
struct FurtherPasses {
  Bytes traffic;
  std::int64_t kernels = 0;
  bool by_one_call = false;      ///< each call of the framework launches 1 + scale_kernels of them
  std::int64_t atomic_sums = 0;  ///< elements that a kernel adds to the device's memory one by one
  bool elementwise = false;      ///< the first kernel is an elementwise one, too
  /// Kernels beyond those whose device time is already in the first one's, because they were measured together.
  std::int64_t measured_together = 0;
};

/// True for an operation that the kernel of another one does: it takes no time of its own.
bool is_done_by_another(const Op& op, const KernelForms& forms);

/// The passes over memory of an operation beyond one kernel that moves its operands once. Sources:
/// docs/frameworks.md.
FurtherPasses further_passes(const Op& op, const StepProgram& program, const KernelForms& forms);

}  // namespace foreshard
