#pragma once

#include <functional>
#include <string>
#include <vector>

#include "planner/cost/ops/minimise.hpp"
#include "planner/spec/types/accelerator_spec.hpp"
#include "tools/fit_kernels/measured_kernels.hpp"

namespace foreshard::fit {

/// One constant of an accelerator that a search may move.
struct Knob {
  Coordinate space;                                    ///< `start` is the accelerator's present value
  std::function<void(AcceleratorSpec&, double)> turn;  ///< sets the constant, rounded as YAML shows it
};

/// The sets that are fitted together, each weighing the same however many kernels it has.
using Sets = std::vector<const MeasuredSet*>;

/// The constants on which the kernels of these sets depend and that nothing else decides.
/// @pre all sets are of one family, and of one version of fused attention
std::vector<Knob> knobs_for(const AcceleratorSpec& accelerator, const Sets& sets);

}  // namespace foreshard::fit
