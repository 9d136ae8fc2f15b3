#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// Why a text is not a value of the wanted kind, and what is allowed.
struct ParseComplaint {
  std::string message;  ///< "'900 gb/s': unknown unit 'gb/s'; did you mean 'GB/s'?"
  std::string allowed;  ///< "a bandwidth with its unit, as in '900 GB/s'"; may be empty
};

/// Reads a quantity as people write it: `80 GiB`, `900 GB/s`, `400 Gbit/s` (8 bits per byte), `989 TFLOP/s`,
/// `2.5 us`, `15T` tokens, `2.50 USD/h`, `700 W`. The space may be left out, the unit may not.
/// Units must be spelt exactly: 'gb/s' is refused, and the complaint suggests the unit that was probably
/// meant. Negative, infinite and absurd values are refused; zero is allowed. Counts (Bytes, Tokens) are
/// rounded to a whole number.
/// Defined for Bytes, Seconds, BytesPerSecond, FlopsPerSecond, Hertz, Tokens, Dollars, DollarsPerSecond,
/// Joules and Watts.
template <Dimensional Q>
std::variant<Q, ParseComplaint> parse_quantity(std::string_view text);

}  // namespace foreshard
