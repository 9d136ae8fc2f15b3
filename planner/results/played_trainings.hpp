#pragma once

#include <cstdint>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// Long trainings that were played failure by failure.
struct PlayedTrainings {
  std::int64_t runs = 0;
  double goodput = 0.0;         ///< mean over runs
  double standard_error = 0.0;  ///< of that mean
  Seconds fifth;                ///< time of a run that one in twenty undercuts
  Seconds median;
  Seconds ninety_fifth;
};

}  // namespace foreshard
