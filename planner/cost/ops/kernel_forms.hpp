#pragma once

#include <cstdint>

#include "planner/program/ops/op.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/count.hpp"

namespace foreshard {

/// In which form the job's framework runs operations that others run as one kernel.
struct KernelForms {
  bool fused_kernels = true;  ///< RMSNorm and rotary embedding are one kernel each
  bool fused_softmax = true;  ///< that of an unfused attention core scales and masks as well
  bool autograd = false;      ///< sums of gradients and gradients of a norm's weights are passes of their own
  LossKernels loss = LossKernels::fused;
  OptimizerKernels optimizer = OptimizerKernels::fused;
  bool fp16 = false;       ///< gradients are scaled, and unscaled before the step
  bool casts_fp8 = false;  ///< products take fp8 inputs that a pass of its own makes
};
KernelForms kernel_forms(const JobSpec& job);

/// Kernels beside the first, and the bytes they move.
struct FurtherPasses {
  Bytes traffic;
  std::int64_t kernels = 0;
  bool elementwise = false;  ///< and the first is an elementwise kernel, too
};

/// What an operation costs beyond one kernel that moves its operands. Sources: docs/frameworks.md.
FurtherPasses further_passes(const Op& op, const StepProgram& program, const KernelForms& forms);

}  // namespace foreshard
