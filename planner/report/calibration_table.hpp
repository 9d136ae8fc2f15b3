#pragma once

#include <string>

#include "planner/results/calibration_result.hpp"

namespace foreshard {

/// The calibration for people: what was measured, the results, and how well the constants reproduce them, by
/// family.
std::string calibration_table(const CalibrationResult& calibration);

}  // namespace foreshard
