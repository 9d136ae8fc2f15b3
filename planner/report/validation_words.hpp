#pragma once

#include <string>

#include "planner/results/validation.hpp"

/// What a validation found, in sentences for people.
namespace foreshard::report {

/// Whether the sharded run computed the same as the unsharded one.
std::string numerics_words(const NumericsCheck& check);
/// FLOPs, bytes and calls that were counted, beside those planned if they differ.
std::string counts_words(const CountCheck& counts);
/// How evenly tokens were routed to experts.
std::string routing_words(const RoutingCheck& routing);
/// From which constants the step was predicted, and whether the prediction is within the tolerance.
std::string basis_words(const Validation& validation);

}  // namespace foreshard::report
