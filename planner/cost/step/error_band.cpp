#include "planner/cost/step/error_band.hpp"

#include <cmath>

namespace foreshard {

double band_half_width(double spread, double systematic) { return std::hypot(spread, systematic); }

}  // namespace foreshard
