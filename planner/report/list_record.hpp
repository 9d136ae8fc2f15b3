#pragma once

#include "planner/report/record.hpp"
#include "planner/results/bundled_configs.hpp"

namespace foreshard::report {

/// models[], accelerators[], clusters[], jobs[] and measured[], of the kinds that were asked for alone, a row
/// for each config: its name, its kind, and the figures that `foreshard list` shows, in units that the keys
/// name.
Record list_record(const BundledConfigs& configs);

}  // namespace foreshard::report
