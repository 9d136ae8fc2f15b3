#include "planner/results/validation.hpp"

#include <cmath>

namespace foreshard {

bool Validation::passed() const {
  const bool close = !tolerance || std::abs(step.error().value_or(1.0)) <= *tolerance;
  return close && counts.passed() && (!numerics || numerics->passed());
}

}  // namespace foreshard
