#include "cli/options/numbers.hpp"

#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "cli/terminal/usage_error.hpp"
#include "planner/report/format.hpp"
#include "planner/units/read_number.hpp"

namespace foreshard::cli {
namespace {

/// Parses the whole text as one finite number; none if it is not one.
template <class Number>
std::optional<Number> parsed(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = read_number(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(number)) return std::nullopt;
  }
  return number;
}

/// Writes a number with no more digits than it needs: "1,000,000", "0.1".
std::string plain(double number) {
  const bool is_whole = number == std::floor(number) && std::abs(number) < 1e15;
  return is_whole ? report::grouped(static_cast<std::int64_t>(number)) : fmt::format("{:g}", number);
}

bool lies_in(double number, Bounds bounds) { return number >= bounds.least && number <= bounds.most; }

}  // namespace

std::string in_words(WholeBounds bounds) {
  return fmt::format("from {} to {}", report::grouped(bounds.least), report::grouped(bounds.most));
}

std::int64_t parse_whole(std::string_view option, std::string_view text, WholeBounds bounds) {
  const auto number = parsed<std::int64_t>(text);
  if (!number || *number < bounds.least || *number > bounds.most)
    throw UsageError(fmt::format("{} takes a whole number {}, not '{}'", option, in_words(bounds), text));
  return *number;
}

double parse_number(std::string_view option, std::string_view text, Bounds bounds, std::string_view noun) {
  const auto number = parsed<double>(text);
  if (!number || !lies_in(*number, bounds))
    throw UsageError(fmt::format("{} takes {} from {} to {}, not '{}'", option, noun, plain(bounds.least),
                                 plain(bounds.most), text));
  return *number;
}

double parse_share(std::string_view option, std::string_view text, Bounds bounds) {
  const bool is_percentage = text.ends_with('%');
  const auto number = parsed<double>(is_percentage ? text.substr(0, text.size() - 1) : text);
  if (number && !is_percentage && *number >= 1.0)
    throw UsageError(fmt::format("{} '{}' is not clear: write {}%, or a fraction below 1 such as {:g}",
                                 option, text, text, *number / 100.0));
  const double share = !number ? -1.0 : is_percentage ? *number / 100.0 : *number;
  if (!number || !lies_in(share, bounds))
    throw UsageError(fmt::format("{} takes a share from {:g} to {:g}%, such as 10% or 0.1, not '{}'", option,
                                 100.0 * bounds.least, 100.0 * bounds.most, text));
  return share;
}

}  // namespace foreshard::cli
