#pragma once

#include <cstdint>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// Summary of long trainings that were simulated failure by failure.
struct PlayedTrainings {
  std::int64_t runs = 0;
  double goodput = 0.0;         ///< mean over runs
  double standard_error = 0.0;  ///< of that mean
  Seconds fifth;                ///< 5% quantile of the time: one run in twenty is faster
  Seconds median;
  Seconds ninety_fifth;
};

}  // namespace foreshard
