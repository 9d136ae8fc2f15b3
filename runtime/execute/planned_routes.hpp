#pragma once

#include <vector>

#include "runtime/execute/routing.hpp"

namespace foreshard {

/// Routes of a micro-batch's tokens in which this rank's experts get the load that the plan assumes for the
/// busiest rank: model.experts.imbalance times the mean, rounded down to whole rows. The other experts share
/// the rest equally. Returns (T, 2·per_token) as Route writes them, for the T tokens that the rank routes,
/// with equal weights. Used for timing: the choices of a router with random weights say nothing about those
/// of a trained one, so benchmarks balance the load, as Megatron-LM's --moe-router-force-load-balancing does.
std::vector<double> planned_routes(const RoutedShape& shape);

}  // namespace foreshard
