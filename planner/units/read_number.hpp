#pragma once

#include <charconv>
#include <concepts>

namespace foreshard {

/// std::from_chars for a whole number.
template <std::integral Number>
std::from_chars_result read_number(const char* begin, const char* end, Number& number) {
  return std::from_chars(begin, end, number);
}

/// std::from_chars for a decimal number, rounded to the nearest double: digits, point, exponent, as in "-1.5e3". Words
/// such as "inf" are no numbers. Also works where the standard library has no std::from_chars for doubles.
std::from_chars_result read_number(const char* begin, const char* end, double& number);

}  // namespace foreshard
