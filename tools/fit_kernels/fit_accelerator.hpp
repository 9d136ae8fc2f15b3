#pragma once

#include <map>
#include <string>

#include "planner/spec/types/accelerator_spec.hpp"
#include "tools/fit_kernels/measured_kernels.hpp"

namespace foreshard::fit {

/// How far the cost model, with the accelerator's constants, is from one set of measured kernels.
KernelFit judge(const AcceleratorSpec& accelerator, const std::string& name, const MeasuredSet& set);

/// The accelerator with the constants at which the mean of |log(predicted/measured)| over the sets that its
/// `fits` call fitted is least, family by family, and with every entry of `fits` judged anew. Only what a set
/// says something about is moved.
/// @throws std::runtime_error where `fits` names a set that there is not
AcceleratorSpec fit_accelerator(const AcceleratorSpec& accelerator,
                                const std::map<std::string, MeasuredSet>& sets);

}  // namespace foreshard::fit
