#pragma once

#include <string>

#include "planner/results/calibration_result.hpp"

namespace foreshard {

/// What was measured, what it came to, and how well the constants reproduce it, family by family.
std::string calibration_table(const CalibrationResult& calibration);

}  // namespace foreshard
