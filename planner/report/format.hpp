#pragma once

#include <cstdint>
#include <string>

#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"

/// Formatting of numbers in the tables: commas between groups of three digits, and always a unit.
namespace foreshard::report {

/// "1,234,567"
std::string grouped(std::int64_t number);
/// "1,234.57" for two decimals.
std::string fixed(double number, int decimals);
/// At least `digits` significant digits; digits before the decimal point are never rounded: "0.0571", "58.0",
/// "1,132".
std::string significant(double number, int digits = 3);
/// A fraction as a percentage: "55.0%".
std::string percent(double fraction);
/// An error as a signed percentage: "+3.2%", "−3.2%".
std::string signed_percent(double fraction);

/// The unit in which all numbers of one table column are printed, so that they can be compared.
struct Unit {
  double size = 1.0;  ///< in base units
  std::string name;   ///< "GiB", "ms"
  int decimals = 1;   ///< chosen so that the largest number has about three digits
};
/// s, ms or µs for a column whose largest number is `largest`.
Unit time_unit(Seconds largest);
/// GiB, MiB, KiB or byte for a column whose largest number is `largest`.
Unit byte_unit(Bytes largest);
/// The number in this unit, without the unit's name.
std::string in_unit(double base_value, const Unit& unit);

std::string with_unit(Bytes bytes);          ///< "448 MiB"
std::string with_unit(Flops flops);          ///< "4.67 TFLOP"
std::string with_unit(Seconds time);         ///< "58.0 s", "12.3 ms"
std::string with_unit(BytesPerSecond rate);  ///< "450 GB/s"
std::string with_unit(FlopsPerSecond rate);  ///< "990 TFLOP/s"
std::string with_unit(Joules energy);        ///< "4,705 MWh"
/// A rate in bits, as network links are sold: "400 Gbit/s".
std::string in_bits(BytesPerSecond rate);
/// The time of a whole training run, in the unit in which people plan it: "38.2 minutes", "2,401 days".
std::string as_calendar_time(Seconds time);
/// A count, in millions if it is large: "8,192", "3.69 M".
std::string in_millions(double number);
/// A number of tokens with an SI prefix: "15 T", "300 G", "5.2 M".
std::string in_si(double number);

}  // namespace foreshard::report
