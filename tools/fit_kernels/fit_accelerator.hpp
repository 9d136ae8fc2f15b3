#pragma once

#include <map>
#include <string>
#include <vector>

#include "planner/spec/types/accelerator_spec.hpp"
#include "tools/fit_kernels/measured_kernels.hpp"

namespace foreshard::fit {

/// The error of the cost model with the accelerator's constants on one set of measured kernels.
KernelFit judge(const AcceleratorSpec& accelerator, const std::string& name, const MeasuredSet& set);

/// log(predicted/measured) of every kernel of a set.
std::vector<double> log_ratios(const AcceleratorSpec& accelerator, const MeasuredSet& set);

/// How exact the model is for one family of kernels, one type and one range of measured times, over several sets.
struct ClassFit {
  Family family = Family::gemm;
  DType type = DType::bf16;
  std::size_t range = 0;  ///< of kClassRanges
  bool fitted = false;  ///< of the sets to which the constants are fitted; else of those that only judge them
  std::int64_t kernels = 0;
  double mean_error = 0.0;  ///< mean of |predicted/measured − 1|
  double bias = 0.0;        ///< mean of log(predicted/measured)
};
/// Upper ends of the ranges of measured time, in seconds; the last range has none.
inline constexpr double kClassEnds[] = {50e-6, 300e-6, 2e-3};
inline constexpr const char* kClassRanges[] = {"below 50 us", "50 - 300 us", "0.3 - 2 ms", "above 2 ms"};

/// The errors on all sets that the accelerator's `fits` name, by family, type and range of times; without
/// classes that no kernel falls into.
std::vector<ClassFit> judge_by_class(const AcceleratorSpec& accelerator,
                                     const std::map<std::string, MeasuredSet>& sets);

/// Returns the accelerator with fitted constants and updated `fits`. The constants minimise the mean of
/// |log(predicted/measured)| over the sets that the accelerator's `fits` mark as fitted, family by family.
/// Only constants that a set determines are changed. Every entry of `fits` gets its error with the new
/// constants.
/// @throws std::runtime_error if `fits` names a set that does not exist
AcceleratorSpec fit_accelerator(const AcceleratorSpec& accelerator,
                                const std::map<std::string, MeasuredSet>& sets);

}  // namespace foreshard::fit
