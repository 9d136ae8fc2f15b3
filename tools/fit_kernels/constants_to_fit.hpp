#pragma once

#include <functional>
#include <string>
#include <vector>

#include "planner/cost/ops/minimise.hpp"
#include "planner/spec/types/accelerator_spec.hpp"
#include "tools/fit_kernels/measured_kernels.hpp"

namespace foreshard::fit {

/// One constant of an accelerator that the search may vary.
struct Knob {
  Coordinate space;                                    ///< `start` is the accelerator's current value
  std::function<void(AcceleratorSpec&, double)> turn;  ///< sets the constant, rounded as in the YAML
};

/// Sets that are fitted together. All have equal weight, however many kernels they have.
using Sets = std::vector<const MeasuredSet*>;

/// The constants that the kernels of these sets depend on and that are not determined by other measurements.
/// @pre all sets are of one family, and of one version of fused attention
std::vector<Knob> knobs_for(const AcceleratorSpec& accelerator, const Sets& sets);

}  // namespace foreshard::fit
