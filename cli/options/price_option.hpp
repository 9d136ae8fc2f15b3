#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/options/option.hpp"
#include "planner/search/prices.hpp"

namespace foreshard::cli {

/// --price CLUSTER=USD, which may be repeated: the price of one device-hour, with or without its unit.
OptionSpec price_option(std::vector<ClusterPrice>& prices);

/// @throws UsageError for the price of a cluster on which no job runs
void check_prices(const std::vector<ClusterPrice>& prices, const std::set<std::string>& clusters);

}  // namespace foreshard::cli
