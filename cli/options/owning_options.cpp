#include "cli/options/owning_options.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/options/suggestion.hpp"
#include "cli/options/target.hpp"
#include "cli/terminal/usage_error.hpp"

namespace foreshard::cli {
namespace {

constexpr Bounds kYears{.least = 0.1, .most = 50.0};
constexpr Bounds kDollarsPerKilowattHour{.least = 0.0, .most = 10.0};
constexpr Bounds kPue{.least = 1.0, .most = 5.0};

OwnedCluster parse_owned(const std::string& option, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError(
        fmt::format("{} takes CLUSTER=USD for one device, as in dgx-b200=45k, not '{}'", option, text));
  return {.cluster = text.substr(0, equals), .per_device = parse_money(option, text.substr(equals + 1))};
}

}  // namespace

Dollars parse_money(const std::string& option, const std::string& text) {
  std::string number = text.substr(0, text.find_last_not_of(" \t") + 1);
  if (number.ends_with("USD")) number = number.substr(0, number.size() - 3);
  number = number.substr(0, number.find_last_not_of(" \t") + 1);
  double unit = 1.0;
  if (number.ends_with('k')) unit = 1e3;
  if (number.ends_with('M')) unit = 1e6;
  if (number.ends_with('G')) unit = 1e9;
  if (unit > 1.0) number.pop_back();
  return Dollars(unit * parse_number(option, number, {.least = 1.0, .most = 1e12},
                                     "a number of US dollars, as in 2M USD"));
}

std::vector<OptionSpec> owning_options(OwningOptions& options) {
  Target own = setter([&clusters = options.clusters](const std::string& option, const std::string& text) {
    clusters.push_back(parse_owned(option, text));
  });
  own.is_repeated = true;
  OwningTerms& terms = options.terms;
  return {
      {.name = "--own",
       .value = "CLUSTER=USD",
       .help = "A cluster may also be bought: the price of one device with its share of node, network and "
               "installation, as in dgx-b200=45k; may be repeated",
       .offer = Offer::clusters,
       .target = std::move(own)},
      {.name = "--lifetime",
       .value = "YEARS",
       .help = "Over which machines that are owned are written off; default 4",
       .target = setter([&terms](const std::string& option, const std::string& text) {
         terms.lifetime = parse_number(option, text, kYears, "a number of years") * 365.0 * kDay;
       })},
      {.name = "--electricity",
       .value = "USD",
       .help = "Price of a kilowatt-hour for machines that are owned; default 0.08",
       .target = setter([&terms](const std::string& option, const std::string& text) {
         terms.electricity =
             Dollars(parse_number(option, text, kDollarsPerKilowattHour, "a number of US dollars per kWh")) /
             kKilowattHour;
       })},
      {.name = "--pue",
       .value = "X",
       .help = "Power of the building, with cooling, over that of the machines that are owned; default 1.3",
       .target = number(terms.pue, kPue, "a power usage effectiveness")}};
}

void check_owned(std::span<const OwnedCluster> owned, std::span<const ClusterSpec> clusters) {
  std::vector<std::string> names;
  for (const ClusterSpec& cluster : clusters) names.push_back(cluster.name);
  for (const OwnedCluster& wanted : owned) {
    const auto found = std::find(names.begin(), names.end(), wanted.cluster);
    if (found == names.end())
      throw UsageError(fmt::format("--own: '{}' is not among the clusters {}{}", wanted.cluster,
                                   fmt::join(names, ", "), suggestion(wanted.cluster, names)));
    if (!clusters[static_cast<std::size_t>(found - names.begin())].power)
      throw UsageError(
          fmt::format("--own: nothing says what a device of '{}' draws; set power_per_device in its file",
                      wanted.cluster));
  }
}

}  // namespace foreshard::cli
