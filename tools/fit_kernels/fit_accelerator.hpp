#pragma once

#include <map>
#include <string>

#include "planner/spec/types/accelerator_spec.hpp"
#include "tools/fit_kernels/measured_kernels.hpp"

namespace foreshard::fit {

/// The error of the cost model with the accelerator's constants on one set of measured kernels.
KernelFit judge(const AcceleratorSpec& accelerator, const std::string& name, const MeasuredSet& set);

/// Returns the accelerator with fitted constants and updated `fits`. The constants minimise the mean of
/// |log(predicted/measured)| over the sets that the accelerator's `fits` mark as fitted, family by family.
/// Only constants that a set determines are changed. Every entry of `fits` gets its error with the new
/// constants.
/// @throws std::runtime_error if `fits` names a set that does not exist
AcceleratorSpec fit_accelerator(const AcceleratorSpec& accelerator,
                                const std::map<std::string, MeasuredSet>& sets);

}  // namespace foreshard::fit
