#pragma once

#include <charconv>
#include <concepts>

namespace foreshard {

/// std::from_chars for a whole number.
template <std::integral Number>
std::from_chars_result read_number(const char* begin, const char* end, Number& number) {
  return std::from_chars(begin, end, number);
}

/// std::from_chars for a decimal number, rounded to the nearest: digits, point, exponent, as in "-1.5e3". Words
/// such as "inf" are no numbers. Also works where the standard library has no std::from_chars for these types.
template <std::floating_point Number>
std::from_chars_result read_number(const char* begin, const char* end, Number& number);
extern template std::from_chars_result read_number(const char*, const char*, double&);
extern template std::from_chars_result read_number(const char*, const char*, long double&);

}  // namespace foreshard
