#pragma once

#include <vector>

#include "planner/fit/kernel_family.hpp"
#include "planner/fit/measured_kernel.hpp"
#include "planner/spec/types/accelerator_spec.hpp"

namespace foreshard {

/// How many kernels of one family were measured, and how well the fitted constants reproduce their times.
struct FamilyFit {
  KernelFamily family{};
  std::int64_t kernels = 0;    ///< measured
  FlopsPerSecond rate{};       ///< approached by large products or attention cores; 0 for others
  BytesPerSecond bandwidth{};  ///< approached by passes over large tensors; 0 for products and attention
  double mean_error = 0.0;     ///< mean of |predicted/measured − 1|, with the weights of the fit
  double residual = 0.0;       ///< standard deviation of log(predicted/measured), with the same weights
  double unsteadiness = 0.0;   ///< median over the kernels of spread/median of their measured times
};

/// What is fitted. The defaults are those of a CPU in fp32.
struct KernelFitting {
  DType products = DType::fp32;            ///< dtype of the factors of matrix products
  FlashVersion flash = FlashVersion::fa2;  ///< the version of attention whose constants are set
  /// Peak rate and bandwidth stay those of the accelerator; the fractions of them that kernels reach are
  /// fitted.
  bool keeps_datasheet = false;
  /// Fixed cost and prologue of products stay those of the accelerator; only their rate is fitted.
  bool keeps_fixed_costs = false;
};

/// Fits the constants of `accelerator` that describe its kernels to the measurements, so that the planner's
/// KernelModel reproduces them: GEMM peak and rate, fixed cost, prologue and rate of accumulating products;
/// attention (by default as version fa2, which has the runtime's algorithm); memory bandwidth, fraction of it
/// by kind of pass, half size and launch; spread and fits. Does not change anything else.
///
/// It minimises the mean of |log(predicted/measured)|. All programs have the same weight; within a program a
/// kernel's weight is its share of the step's time. Unless the datasheet's figures are kept, the peak is the
/// best rate of any product, or the rate that large products approach if that is higher; the bandwidth is
/// what large tensors approach in the fastest kind of pass. Pure and deterministic.
/// Of what was not measured, constants stay as they are; without passes over memory also the spread, and earlier
/// fits are kept.
/// @pre there are matrix products among the kernels, and all times are above zero; if there are no passes over
/// memory, `accelerator` has a bandwidth, and the datasheet's figures are kept
std::vector<FamilyFit> fit_kernels(const KernelMeasurements& measured, AcceleratorSpec& accelerator,
                                   const KernelFitting& how = {});

}  // namespace foreshard
