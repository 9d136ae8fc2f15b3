#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/options/option.hpp"
#include "planner/search/best/purchase.hpp"
#include "planner/spec/types/cluster_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard::cli {

/// What --own, --lifetime, --electricity and --pue say.
struct OwningOptions {
  std::vector<OwnedCluster> clusters;
  OwningTerms terms;
};

/// A sum of money: "2M USD", "2000000". @throws UsageError if it is none, or not between 1 and 1e12
Dollars parse_money(const std::string& option, const std::string& text);

std::vector<OptionSpec> owning_options(OwningOptions& options);

/// @throws UsageError for a cluster that is not asked for, or whose power nobody knows
void check_owned(std::span<const OwnedCluster> owned, std::span<const ClusterSpec> clusters);

}  // namespace foreshard::cli
