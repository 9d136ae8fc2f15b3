#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// Why a text is not the value that was asked for, and what would be.
struct ParseComplaint {
  std::string message;  ///< "'900 gb/s': unknown unit 'gb/s'; did you mean 'GB/s'?"
  std::string allowed;  ///< "a bandwidth with its unit, as in '900 GB/s'"; may be empty
};

/// A quantity as people write it: `80 GiB`, `900 GB/s`, `400 Gbit/s` (8 bits to the byte), `989 TFLOP/s`,
/// `2.5 us`, `15T` tokens, `2.50 USD/h`, `700 W`; the space may be left out. The unit never may.
/// Units are written exactly so: 'gb/s' is refused with the unit that was probably meant. Negative, endless
/// and absurd values are refused; zero is a value. Counts (Bytes, Tokens) are rounded to a whole number.
/// For Bytes, Seconds, BytesPerSecond, FlopsPerSecond, Hertz, Tokens, Dollars, DollarsPerSecond, Joules and
/// Watts.
template <Dimensional Q>
std::variant<Q, ParseComplaint> parse_quantity(std::string_view text);

}  // namespace foreshard
