#pragma once

#include "planner/report/record.hpp"
#include "planner/results/bundled_configs.hpp"

namespace foreshard::report {

/// The keys are models[], accelerators[], clusters[], jobs[] and measured[], only for the kinds that were
/// asked for. Each config is a row with its name, its kind, and the figures that `foreshard list` shows; the
/// keys contain the units.
Record list_record(const BundledConfigs& configs);

}  // namespace foreshard::report
