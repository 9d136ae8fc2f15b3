#pragma once

#include <vector>

#include "runtime/execute/routing.hpp"

namespace foreshard {

/// Where the tokens of a micro-batch go if this rank's experts get what the plan gives the busiest rank's:
/// model.experts.imbalance times the mean, or as many whole rows as fit into that; all other experts get the
/// same. (T, 2·per_token) as Route writes them, of the T tokens that the rank routes; weights are equal.
/// Where routers of random weights send tokens says nothing of trained ones: benchmarks balance them, as
/// Megatron-LM's
/// --moe-router-force-load-balancing does.
std::vector<double> planned_routes(const RoutedShape& shape);

}  // namespace foreshard
