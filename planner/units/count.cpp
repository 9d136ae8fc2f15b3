#include "planner/units/count.hpp"

#include <algorithm>

namespace foreshard {

namespace detail {
void throw_count_overflow(const char* operation, const char* what) {
  throw CountOverflow(std::string(operation) + " of " + what + " leaves the range of a checked count");
}
}  // namespace detail

std::string to_decimal(Int128 value) {
  if (value == 0) return "0";
  const bool negative = value < 0;
  std::string digits;
  for (; value != 0; value /= 10) {
    const int digit = static_cast<int>(value % 10);
    digits.push_back(static_cast<char>('0' + (digit < 0 ? -digit : digit)));
  }
  if (negative) digits.push_back('-');
  std::reverse(digits.begin(), digits.end());
  return digits;
}

}  // namespace foreshard
