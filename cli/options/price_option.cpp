#include "cli/options/price_option.hpp"

#include <utility>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/options/suggestion.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/units/parse_quantity.hpp"

namespace foreshard::cli {
namespace {

ClusterPrice parse_price(const std::string& option, const std::string& text) {
  const auto equals = text.find('=');
  if (equals != std::string::npos && equals > 0) {
    std::string price = text.substr(equals + 1);
    if (price.find_first_not_of("0123456789.") == std::string::npos) price += " USD/h";
    const auto parsed = parse_quantity<DollarsPerSecond>(price);
    if (const auto* per_device = std::get_if<DollarsPerSecond>(&parsed))
      return {.cluster = text.substr(0, equals), .per_device = *per_device};
  }
  throw UsageError(
      fmt::format("{} takes CLUSTER=USD per hour of one device, as in dgx-b200=4.5, not '{}'", option, text));
}

}  // namespace

OptionSpec price_option(std::vector<ClusterPrice>& prices) {
  Target target = setter([&prices](const std::string& option, const std::string& text) {
    prices.push_back(parse_price(option, text));
  });
  target.is_repeated = true;
  return {.name = "--price",
          .value = "CLUSTER=USD",
          .help = "What one device of a cluster costs per hour, as in dgx-b200=4.5; may be repeated",
          .offer = Offer::clusters,
          .target = std::move(target)};
}

void check_prices(const std::vector<ClusterPrice>& prices, const std::set<std::string>& clusters) {
  for (const ClusterPrice& price : prices) {
    if (clusters.contains(price.cluster)) continue;
    throw UsageError(fmt::format("--price: no job here runs on '{}', but on {}{}", price.cluster,
                                 fmt::join(clusters, ", "),
                                 suggestion(price.cluster, {clusters.begin(), clusters.end()})));
  }
}

}  // namespace foreshard::cli
