#include "cli/options/disturb_options.hpp"

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "cli/options/target.hpp"
#include "cli/terminal/usage_error.hpp"

namespace foreshard::cli {
namespace {

/// Allowed slowdown factors: how many times as long a kernel may take.
constexpr Bounds kFactors{.least = 0.1, .most = 1000.0};
/// Allowed shares of a link's bandwidth. A link that carries less than a thousandth has failed rather than
/// degraded.
constexpr Bounds kSharesLeft{.least = 0.001, .most = 1.0};
constexpr Bounds kShares{.least = 0.0, .most = 1.0};
constexpr WholeBounds kRanks{.least = 0, .most = std::numeric_limits<std::int32_t>::max()};
constexpr WholeBounds kVertexIndexes{.least = 0, .most = 1'000'000'000};

struct Halves {
  std::string_view before;
  std::string_view after;
};
std::optional<Halves> split(std::string_view text, char at) {
  const std::size_t place = text.find(at);
  if (place == std::string_view::npos) return std::nullopt;
  return Halves{text.substr(0, place), text.substr(place + 1)};
}

/// Reads "1.1" or a range "1.1-1.3"; a single number is both ends of the range. `read` reads one end.
template <class Read>
auto range(std::string_view text, Read read) {
  const auto halves = split(text, '-');
  const auto first = read(halves ? halves->before : text);
  return std::pair{first, read(halves ? halves->after : text)};
}

double factor(std::string_view option, std::string_view text) {
  return parse_number(option, text, kFactors, "a factor");
}

UsageError unreadable(std::string_view option, std::string_view text, std::string_view example) {
  return UsageError(fmt::format("{} '{}' cannot be read; write {}", option, text, example));
}

DisturbanceSpec::Slowdown slowdown(std::string_view option, std::string_view text) {
  const auto fail = [&] {
    return unreadable(option, text, "rank=3:1.2, or rank=8-15:1.2 for several: how many times as long");
  };
  const auto halves = split(text, ':');
  if (!halves || !halves->before.starts_with("rank=")) throw fail();
  const auto ranks = range(halves->before.substr(5), [&](std::string_view rank) {
    return static_cast<std::int32_t>(parse_whole(fmt::format("{} rank=", option), rank, kRanks));
  });
  if (ranks.second < ranks.first) throw fail();
  return {.first = Rank(ranks.first), .last = Rank(ranks.second), .factor = factor(option, halves->after)};
}

DisturbanceSpec::Stragglers stragglers(std::string_view option, std::string_view text) {
  const auto fail = [&] {
    return unreadable(option, text,
                      "0.5%:1.1, or 0.5%:1.05-1.3: which share of the devices, and how many times as long");
  };
  const auto halves = split(text, ':');
  if (!halves) throw fail();
  const double of_devices = parse_share(option, halves->before, kShares);
  const auto factors = range(halves->after, [&](std::string_view number) { return factor(option, number); });
  if (factors.second < factors.first) throw fail();
  return {.share = of_devices, .least = factors.first, .most = factors.second};
}

constexpr std::array kVertices{std::pair{"device", VertexKind::device},
                               std::pair{"switch", VertexKind::node_switch},
                               std::pair{"nic", VertexKind::nic}, std::pair{"leaf", VertexKind::leaf_switch},
                               std::pair{"spine", VertexKind::spine_switch}};

Degradation degradation(std::string_view option, std::string_view text) {
  const auto fail = [&] {
    return unreadable(
        option, text,
        "nic=12:50%: what share of its bandwidth is left; there are device, switch (of a node), "
        "nic, leaf and spine, numbered from 0");
  };
  const auto halves = split(text, ':');
  const auto vertex = halves ? split(halves->before, '=') : std::nullopt;
  if (!vertex) throw fail();
  for (const auto& [name, kind] : kVertices) {
    if (vertex->before != name) continue;
    const std::int64_t index =
        parse_whole(fmt::format("{} {}=", option, name), vertex->after, kVertexIndexes);
    return {.vertex = {kind, index}, .share = parse_share(option, halves->after, kSharesLeft)};
  }
  throw fail();
}

}  // namespace

std::vector<OptionSpec> disturb_options(DisturbOptions& options) {
  DisturbanceSpec& spec = options.disturbance;
  Target slowdowns = setter([&spec](const std::string& option, const std::string& text) {
    spec.slowdowns.push_back(slowdown(option, text));
  });
  slowdowns.is_repeated = true;
  Target degraded = setter([&options](const std::string& option, const std::string& text) {
    options.degraded.push_back(degradation(option, text));
  });
  degraded.is_repeated = true;
  return {
      {.name = "--slowdown",
       .value = "RANK:FACTOR",
       .help = "A device, or several, whose kernels take so many times as long: rank=3:1.2, rank=8-15:1.1; "
               "may be repeated",
       .target = std::move(slowdowns)},
      {.name = "--stragglers",
       .value = "SHARE:FACTOR",
       .help = "A share of all devices, drawn by chance, that take so many times as long: 0.5%:1.1, or "
               "0.5%:1.05-1.3; shares are percentages, or fractions below 1",
       .target = setter([&spec](const std::string& option, const std::string& text) {
         spec.stragglers = stragglers(option, text);
       })},
      {.name = "--spread",
       .value = "SHARE",
       .help = "How much devices differ from each other: the standard deviation of their speed, such as 1%",
       .target = share(spec.spread, kShares)},
      {.name = "--jitter",
       .value = "SHARE",
       .help = "How much kernels differ from time to time on one device: the standard deviation, such as 2%",
       .target = share(spec.jitter, kShares)},
      {.name = "--degrade",
       .value = "WHAT:SHARE",
       .help = "With --network flow: the links of this device, switch, nic, leaf or spine carry this share "
               "of their bandwidth, at least 0.1%: nic=12:50%; may be repeated",
       .target = std::move(degraded)},
  };
}

}  // namespace foreshard::cli
