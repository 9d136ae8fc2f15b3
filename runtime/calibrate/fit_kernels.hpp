#pragma once

#include <vector>

#include "planner/spec/accelerator_spec.hpp"
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

/// Sets the constants of `accelerator` that describe fp32 kernels so that the planner's KernelModel comes
/// nearest to what was measured: GEMM peak and rate, fixed cost, prologue and rate of accumulating products;
/// attention (as version fa2, whose algorithm the runtime's is); memory bandwidth, its fraction by kind of
/// pass, half size and launch; spread and fits. Leaves all else as it is.
///
/// What is least is the mean of |log(predicted/measured)|, weighed so that every program counts the same and
/// within one a kernel counts by the time it takes in its step. The peak is the best rate that any product
/// reached, or the rate that large ones approach, if that is more; the memory's bandwidth is what large
/// tensors approach in the quickest kind of pass. Pure and deterministic.
/// @pre there are matrix products and passes over memory among the kernels, and all times are above zero
std::vector<FamilyFit> fit_kernels(const KernelMeasurements& measured, AcceleratorSpec& accelerator);

}  // namespace foreshard
