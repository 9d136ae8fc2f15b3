#include "planner/units/write_quantity.hpp"

#include <cstddef>
#include <string>
#include <variant>

#include <fmt/core.h>

#include "planner/units/parse_quantity.hpp"
#include "planner/units/unit_table.hpp"

namespace foreshard {

template <Dimensional Q>
std::string write_quantity(Q quantity) {
  const double value = detail::base_value(quantity);
  std::string base_unit;
  std::string shortest;
  std::size_t fewest_digits = 12;  // a longer fraction reads worse than the base unit
  for (const Unit& unit : all_units()) {
    if (unit.measure != measure_of<Q>()) continue;
    if (unit.numerator == 1.0 && unit.denominator == 1.0) base_unit = unit.name;
    const double number = value * unit.denominator / unit.numerator;
    const std::string digits = fmt::format("{}", number);
    if (number < 1.0 || digits.size() >= fewest_digits) continue;
    const std::string text = fmt::format("{} {}", digits, unit.name);
    const auto back = parse_quantity<Q>(text);
    const Q* same = std::get_if<Q>(&back);
    if (same == nullptr || *same != quantity) continue;
    fewest_digits = digits.size();
    shortest = text;
  }
  if (!shortest.empty()) return shortest;
  if constexpr (detail::is_count<Q>) {
    return fmt::format("{} {}", quantity.value(), base_unit);
  } else {
    return fmt::format("{} {}", value, base_unit);
  }
}

template std::string write_quantity(Bytes);
template std::string write_quantity(Seconds);
template std::string write_quantity(BytesPerSecond);
template std::string write_quantity(FlopsPerSecond);
template std::string write_quantity(Hertz);
template std::string write_quantity(Tokens);
template std::string write_quantity(Dollars);
template std::string write_quantity(DollarsPerSecond);
template std::string write_quantity(Joules);
template std::string write_quantity(Watts);

}  // namespace foreshard
