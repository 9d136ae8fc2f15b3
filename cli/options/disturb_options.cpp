#include "cli/options/disturb_options.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "cli/commands/command.hpp"
#include "cli/options/command_line.hpp"

namespace foreshard::cli {
namespace {

template <class Number>
std::optional<Number> parsed(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// "0.5%" or "0.005".
std::optional<double> share(std::string_view text) {
  const bool is_percent = text.ends_with('%');
  if (is_percent) text.remove_suffix(1);
  const auto number = parsed<double>(text);
  if (!number) return std::nullopt;
  return is_percent ? *number / 100.0 : *number;
}

struct Halves {
  std::string_view before;
  std::string_view after;
};
std::optional<Halves> split(std::string_view text, char at) {
  const std::size_t place = text.find(at);
  if (place == std::string_view::npos) return std::nullopt;
  return Halves{text.substr(0, place), text.substr(place + 1)};
}

/// "1.1", or "1.1-1.3" for a range; one number is both ends.
template <class Number>
std::optional<std::pair<Number, Number>> range(std::string_view text) {
  const auto halves = split(text, '-');
  const auto first = parsed<Number>(halves ? halves->before : text);
  const auto last = parsed<Number>(halves ? halves->after : text);
  if (!first || !last || *last < *first) return std::nullopt;
  return std::pair{*first, *last};
}

UsageError unreadable(std::string_view option, std::string_view text, std::string_view example) {
  return UsageError(fmt::format("{} '{}' cannot be read; write {}", option, text, example));
}

DisturbanceSpec::Slowdown slowdown(std::string_view text) {
  const auto fail = [&] {
    return unreadable("--slowdown", text, "rank=3:1.2, or rank=8-15:1.2 for several: how many times as long");
  };
  const auto halves = split(text, ':');
  if (!halves || !halves->before.starts_with("rank=")) throw fail();
  const auto ranks = range<std::int32_t>(halves->before.substr(5));
  const auto factor = parsed<double>(halves->after);
  if (!ranks || !factor || *factor <= 0.0 || *factor > 1000.0) throw fail();
  return {.first = Rank(ranks->first), .last = Rank(ranks->second), .factor = *factor};
}

DisturbanceSpec::Stragglers stragglers(std::string_view text) {
  const auto fail = [&] {
    return unreadable("--stragglers", text,
                      "0.5%:1.1, or 0.5%:1.05-1.3: which share of the devices, and how many times as long");
  };
  const auto halves = split(text, ':');
  if (!halves) throw fail();
  const auto of_devices = share(halves->before);
  const auto factors = range<double>(halves->after);
  if (!of_devices || *of_devices < 0.0 || *of_devices > 1.0 || !factors || factors->first <= 0.0 ||
      factors->second > 1000.0)
    throw fail();
  return {.share = *of_devices, .least = factors->first, .most = factors->second};
}

double deviation(std::string_view option, const std::string& text) {
  if (text.empty()) return 0.0;
  const auto value = share(text);
  if (!value || *value < 0.0 || *value > 1.0)
    throw unreadable(option, text, "a share such as 1%, at most 100%");
  return *value;
}

constexpr std::array kVertices{std::pair{"device", VertexKind::device},
                               std::pair{"switch", VertexKind::node_switch},
                               std::pair{"nic", VertexKind::nic}, std::pair{"leaf", VertexKind::leaf_switch},
                               std::pair{"spine", VertexKind::spine_switch}};

Degradation degradation(std::string_view text) {
  const auto fail = [&] {
    return unreadable(
        "--degrade", text,
        "nic=12:0.5: what share of its bandwidth is left; there are device, switch (of a node), "
        "nic, leaf and spine, numbered from 0");
  };
  const auto halves = split(text, ':');
  const auto vertex = halves ? split(halves->before, '=') : std::nullopt;
  if (!vertex) throw fail();
  const auto index = parsed<std::int64_t>(vertex->after);
  const auto left = share(halves->after);
  if (!index || *index < 0 || !left || *left <= 0.0 || *left > 1.0) throw fail();
  for (const auto& [name, kind] : kVertices) {
    if (vertex->before == name) return {.vertex = {kind, *index}, .share = *left};
  }
  throw fail();
}

}  // namespace

void add_disturb_options(CLI::App& command, DisturbOptions& options) {
  command
      .add_option(
          "--slowdown", options.slowdowns,
          "A device, or several, whose kernels take so many times as long: rank=3:1.2, rank=8-15:1.1; "
          "may be repeated")
      ->allow_extra_args(false)
      ->option_text("RANK:FACTOR");
  command
      .add_option("--stragglers", options.stragglers,
                  "A share of all devices, drawn by chance, that take so many times as long: 0.5%:1.1, or "
                  "0.5%:1.05-1.3")
      ->option_text("SHARE:FACTOR");
  command
      .add_option(
          "--spread", options.spread,
          "How much devices differ from each other: the standard deviation of their speed, such as 1%")
      ->option_text("SHARE");
  command
      .add_option(
          "--jitter", options.jitter,
          "How much kernels differ from time to time on one device: the standard deviation, such as 2%")
      ->option_text("SHARE");
  command
      .add_option(
          "--degrade", options.degraded,
          "With --network flow: the links of this device, switch, nic, leaf or spine carry this share "
          "of their bandwidth: nic=12:0.5; may be repeated")
      ->allow_extra_args(false)
      ->option_text("WHAT:SHARE");
}

DisturbanceSpec disturbance_spec(const DisturbOptions& options) {
  DisturbanceSpec spec;
  for (const std::string& text : options.slowdowns) spec.slowdowns.push_back(slowdown(text));
  if (!options.stragglers.empty()) spec.stragglers = stragglers(options.stragglers);
  spec.spread = deviation("--spread", options.spread);
  spec.jitter = deviation("--jitter", options.jitter);
  return spec;
}

std::vector<Degradation> degradations(const DisturbOptions& options) {
  std::vector<Degradation> degraded;
  for (const std::string& text : options.degraded) degraded.push_back(degradation(text));
  return degraded;
}

}  // namespace foreshard::cli
