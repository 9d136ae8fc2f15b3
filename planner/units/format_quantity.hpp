#pragma once

#include <cstdint>
#include <string>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// Numbers for people: rounded, with thousands separators, always with their unit.

std::string format_integer(Int128 number);              ///< "1,130"
std::string format_fixed(double number, int decimals);  ///< "1,234.5"
std::string format_count(double number);                ///< "512", "70.55 B"; K, M, B, T
std::string format_bytes(BytesTotal bytes);             ///< "512 B", "448.0 MiB", "1,024.0 GiB"
std::string format_bytes(Bytes bytes);
std::string format_flops(FlopsTotal flops);  ///< "1.41 GFLOP", "5.30 EFLOP"
std::string format_flops(Flops flops);
std::string format_seconds(Seconds time);                ///< "58.0 s", "1.42 s", "12.3 ms", "2.50 us"
std::string format_duration(Seconds time);               ///< "2,401 days", "5.2 hours", "31.0 s"
std::string format_bandwidth(BytesPerSecond bandwidth);  ///< "450 GB/s", "48.5 GB/s"
std::string format_flop_rate(FlopsPerSecond rate);       ///< "712 TFLOP/s"
std::string format_token_rate(TokensPerSecond rate);     ///< "1,130 tokens/s"
std::string format_dollars(Dollars money);               ///< "2.50 USD", "595,000 USD", "9.20 M USD"
std::string format_price(DollarsPerSecond price);        ///< "2.50 USD/h"
std::string format_energy(Joules energy);                ///< "12.3 kWh", "4.50 GWh"
std::string format_power(Watts power);                   ///< "700 W", "10.2 kW"

/// The quantity as parse_quantity reads it, with nothing lost: parsing gives back the very same value. Uses
/// the largest unit in which the number is at least 1 and comes back exactly. For the types of
/// parse_quantity.
/// @pre the value lies in the range that parse_quantity accepts.
template <Dimensional Q>
std::string write_quantity(Q quantity);

}  // namespace foreshard
