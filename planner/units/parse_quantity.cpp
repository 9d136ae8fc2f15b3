#include "planner/units/parse_quantity.hpp"

#include <cmath>
#include <optional>

#include <fmt/core.h>

#include "planner/units/read_number.hpp"
#include "planner/units/unit_table.hpp"

namespace foreshard {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The text as a complaint shows it: short, on one line.
std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  std::string result(text.substr(0, kLongest));
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text.size() > kLongest ? result + "…" : result;
}

/// A number and the unit after it, both still text.
struct Pieces {
  std::string_view number;
  std::string_view unit;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Cuts a text after its leading decimal number: digits, point, exponent. None if there is no number.
std::optional<Pieces> cut(std::string_view text) {
  std::size_t end = text.starts_with('-') ? 1 : 0;
  const std::size_t first_digit = end;
  std::size_t digits = 0;
  for (; end < text.size() && (is_digit(text[end]) || text[end] == '.'); ++end) digits += text[end] != '.';
  if (digits == 0 || text[first_digit] == '.') return std::nullopt;
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    std::size_t exponent = end + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    if (exponent < text.size() && is_digit(text[exponent])) {
      for (end = exponent; end < text.size() && is_digit(text[end]);) ++end;
    }
  }
  return Pieces{text.substr(0, end), trimmed(text.substr(end))};
}

/// True for a prefix alone, such as G. It is a unit of tokens; for any other measure the unit is missing.
bool is_prefix_alone(const Unit& unit) { return unit.measure == Measure::tokens && unit.name.size() == 1; }

const Unit* find_unit(std::string_view name, Measure wanted) {
  const Unit* other = nullptr;
  for (const Unit& unit : all_units()) {
    if (unit.name != name) continue;
    if (unit.measure == wanted) return &unit;
    if (!is_prefix_alone(unit)) other = &unit;
  }
  return other;
}

std::string needed(Measure measure) {
  return fmt::format("{} with its unit, as in '{}'", info_of(measure).noun, info_of(measure).example);
}

/// The unit of the text if it is a unit of the wanted measure, else a complaint.
std::variant<const Unit*, ParseComplaint> wanted_unit(std::string_view text, std::string_view name,
                                                      Measure wanted) {
  if (name.empty()) return ParseComplaint{fmt::format("'{}' has no unit", shown(text)), needed(wanted)};
  if (name.starts_with(',') || name.starts_with('_')) {
    return ParseComplaint{fmt::format("'{}': write the number without '{}'", shown(text), name.front()),
                          needed(wanted)};
  }
  if (const Unit* unit = find_unit(name, wanted)) {
    if (unit->measure == wanted) return unit;
    return ParseComplaint{
        fmt::format("'{}' is {}, not {}", shown(text), info_of(unit->measure).noun, info_of(wanted).noun),
        needed(wanted)};
  }
  const std::string_view meant = intended_unit(name, wanted);
  const std::string suggestion = meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant);
  return ParseComplaint{fmt::format("'{}': unknown unit '{}'{}", shown(text), shown(name), suggestion),
                        needed(wanted)};
}

/// Counts are read in the floating-point type with the longest mantissa, so that every whole number of bytes
/// is exact.
template <class Q>
using Number = std::conditional_t<detail::is_count<Q>, long double, double>;

template <class Q>
Q make(Number<Q> base_units) {
  if constexpr (detail::is_count<Q>) {
    return Q(std::llround(base_units));
  } else {
    return Q(base_units);
  }
}

}  // namespace

template <Dimensional Q>
std::variant<Q, ParseComplaint> parse_quantity(std::string_view text) {
  constexpr Measure kWanted = measure_of<Q>();
  text = trimmed(text);
  const std::optional<Pieces> pieces = cut(text);
  if (!pieces)
    return ParseComplaint{fmt::format("'{}' is not {}", shown(text), info_of(kWanted).noun), needed(kWanted)};

  const auto unit = wanted_unit(text, pieces->unit, kWanted);
  if (const auto* complaint = std::get_if<ParseComplaint>(&unit)) return *complaint;

  Number<Q> number{};
  const char* const end = pieces->number.data() + pieces->number.size();
  const auto [stop, error] = read_number(pieces->number.data(), end, number);
  if (error == std::errc::invalid_argument || stop != end) {
    return ParseComplaint{fmt::format("'{}' is not a number", shown(pieces->number)), needed(kWanted)};
  }
  if (pieces->number.starts_with('-')) {
    return ParseComplaint{fmt::format("'{}' is negative", shown(text)), needed(kWanted)};
  }
  const Unit& in = *std::get<const Unit*>(unit);
  const Number<Q> base_units = number * Number<Q>{in.numerator} / Number<Q>{in.denominator};
  const MeasureInfo& info = info_of(kWanted);
  const bool zero = error == std::errc{} && number == Number<Q>{0};
  const bool sensible = base_units >= Number<Q>{info.least} && base_units <= Number<Q>{info.most};
  if (error != std::errc{} || !(zero || sensible)) {
    return ParseComplaint{fmt::format("'{}' is beyond all reason", shown(text)),
                          fmt::format("{} from {}", info.noun, info.range)};
  }
  return make<Q>(base_units);
}

template std::variant<Bytes, ParseComplaint> parse_quantity(std::string_view);
template std::variant<Seconds, ParseComplaint> parse_quantity(std::string_view);
template std::variant<BytesPerSecond, ParseComplaint> parse_quantity(std::string_view);
template std::variant<FlopsPerSecond, ParseComplaint> parse_quantity(std::string_view);
template std::variant<Hertz, ParseComplaint> parse_quantity(std::string_view);
template std::variant<Tokens, ParseComplaint> parse_quantity(std::string_view);
template std::variant<Dollars, ParseComplaint> parse_quantity(std::string_view);
template std::variant<DollarsPerSecond, ParseComplaint> parse_quantity(std::string_view);
template std::variant<Joules, ParseComplaint> parse_quantity(std::string_view);
template std::variant<Watts, ParseComplaint> parse_quantity(std::string_view);

}  // namespace foreshard
