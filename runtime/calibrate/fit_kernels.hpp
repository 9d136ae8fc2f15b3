#pragma once

#include <vector>

#include "planner/spec/accelerator/accelerator_spec.hpp"
#include "runtime/calibrate/kernel_family.hpp"
#include "runtime/calibrate/measured_kernel.hpp"

namespace foreshard {

/// How one family of kernels was measured and how well the constants reproduce it.
struct FamilyFit {
  KernelFamily family{};
  std::int64_t kernels = 0;    ///< measured
  FlopsPerSecond rate{};       ///< that large products or attention cores reach; 0 of others
  BytesPerSecond bandwidth{};  ///< that large tensors reach; 0 of products and attention
  double mean_error = 0.0;     ///< mean of |predicted/measured − 1|, kernels weighed as the fit does
  double residual = 0.0;       ///< standard deviation of log(predicted/measured), likewise
  double unsteadiness = 0.0;   ///< median over kernels of spread/median of their own times
};

/// What is fitted, where it is not a processor in fp32.
struct KernelFitting {
  DType products = DType::fp32;            ///< what matrix products multiply
  FlashVersion flash = FlashVersion::fa2;  ///< the name under which attention is kept
  /// Peak and bandwidth stay the accelerator's, and what is fitted are the shares of them that kernels reach.
  bool keeps_datasheet = false;
};

/// Sets the constants of `accelerator` that describe its kernels so that the planner's KernelModel comes
/// nearest to what was measured: GEMM peak and rate, fixed cost, prologue and rate of accumulating products;
/// attention (by default as version fa2, whose algorithm the runtime's is); memory bandwidth, its fraction by
/// kind of pass, half size and launch; spread and fits. Leaves all else as it is.
///
/// What is least is the mean of |log(predicted/measured)|, weighed so that every program counts the same and
/// within one a kernel counts by the time it takes in its step. The peak is the best rate that any product
/// reached, or the rate that large ones approach, if that is more; the memory's bandwidth is what large
/// tensors approach in the quickest kind of pass; unless the datasheet's are kept. Pure and deterministic.
/// @pre there are matrix products and passes over memory among the kernels, and all times are above zero
std::vector<FamilyFit> fit_kernels(const KernelMeasurements& measured, AcceleratorSpec& accelerator,
                                   const KernelFitting& how = {});

}  // namespace foreshard
