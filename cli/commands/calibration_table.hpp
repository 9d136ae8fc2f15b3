#pragma once

#include <string>

#include "runtime/calibrate/calibrate.hpp"

namespace foreshard::cli {

/// What was measured, what it came to, and how well the constants reproduce it, family by family.
std::string calibration_table(const Calibration& calibration);

}  // namespace foreshard::cli
