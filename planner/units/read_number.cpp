#include "planner/units/read_number.hpp"

#ifndef __cpp_lib_to_chars
#include <cerrno>
#include <cstdlib>
#include <string>
#endif

namespace foreshard {
namespace {

bool is_decimal_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether a decimal number begins here: "5", "-5", ".5".
bool begins_decimal(const char* at, const char* end) {
  if (at != end && *at == '-') ++at;
  if (at != end && *at == '.') ++at;
  return at != end && is_decimal_digit(*at);
}

#ifndef __cpp_lib_to_chars
/// The end of the decimal number that begins here.
const char* end_of_decimal(const char* at, const char* end) {
  const auto skip_digits = [&] {
    while (at != end && is_decimal_digit(*at)) ++at;
  };
  if (*at == '-') ++at;
  skip_digits();
  if (at != end && *at == '.') ++at;
  skip_digits();
  const char* const mantissa_end = at;
  if (at == end || (*at != 'e' && *at != 'E')) return mantissa_end;
  ++at;
  if (at != end && (*at == '+' || *at == '-')) ++at;
  if (at == end || !is_decimal_digit(*at)) return mantissa_end;
  skip_digits();
  return at;
}

double rounded(const std::string& text, double /*type*/) { return std::strtod(text.c_str(), nullptr); }
long double rounded(const std::string& text, long double /*type*/) {
  return std::strtold(text.c_str(), nullptr);
}
#endif

}  // namespace

template <std::floating_point Number>
std::from_chars_result read_number(const char* begin, const char* end, Number& number) {
  if (!begins_decimal(begin, end)) return {begin, std::errc::invalid_argument};
#ifdef __cpp_lib_to_chars
  return std::from_chars(begin, end, number);
#else
  // Emscripten's strtod and strtold round to nearest as well, and read a point in every locale.
  const char* const stop = end_of_decimal(begin, end);
  errno = 0;
  const Number read = rounded(std::string(begin, stop), Number{});
  if (errno == ERANGE) return {stop, std::errc::result_out_of_range};
  number = read;
  return {stop, std::errc{}};
#endif
}

template std::from_chars_result read_number(const char*, const char*, double&);
template std::from_chars_result read_number(const char*, const char*, long double&);

}  // namespace foreshard
