#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// The kinds of quantities that people write.
enum class Measure : std::uint8_t {
  size,
  time,
  bandwidth,
  flop_rate,
  frequency,
  tokens,
  money,
  price,
  energy,
  power
};

/// One unit and its spelling. A value in this unit times numerator / denominator is the value in base units.
/// There are two whole numbers instead of one factor so that `2.5 us` is exactly the double nearest to
/// 2.5e-6.
struct Unit {
  Measure measure;
  std::string_view name;
  double numerator = 1.0;
  double denominator = 1.0;
};

/// The words for a measure in complaints, and the range outside which a value is taken for a mistake.
struct MeasureInfo {
  std::string_view noun;     ///< "a bandwidth"
  std::string_view example;  ///< "900 GB/s"
  double least;              ///< least value above zero, in base units
  double most;               ///< in base units
  std::string_view range;    ///< the same two, as people write them
};

/// All units, grouped by measure, the largest of each first. Each measure includes its base unit.
std::span<const Unit> all_units();
const MeasureInfo& info_of(Measure measure);

/// The unit that was probably meant by `text`, which is not a unit: "GB/s" for "gb/s", "TFLOP/s" for
/// "TFLOPS". If several are possible, one of the measure `wanted` is chosen. Empty if no unit is similar.
std::string_view intended_unit(std::string_view text, Measure wanted);

/// The measure of a type. Types that do not occur in input files have none.
template <class Q>
consteval Measure measure_of() = delete;
template <>
consteval Measure measure_of<Bytes>() {
  return Measure::size;
}
template <>
consteval Measure measure_of<Seconds>() {
  return Measure::time;
}
template <>
consteval Measure measure_of<BytesPerSecond>() {
  return Measure::bandwidth;
}
template <>
consteval Measure measure_of<FlopsPerSecond>() {
  return Measure::flop_rate;
}
template <>
consteval Measure measure_of<Hertz>() {
  return Measure::frequency;
}
template <>
consteval Measure measure_of<Tokens>() {
  return Measure::tokens;
}
template <>
consteval Measure measure_of<Dollars>() {
  return Measure::money;
}
template <>
consteval Measure measure_of<DollarsPerSecond>() {
  return Measure::price;
}
template <>
consteval Measure measure_of<Joules>() {
  return Measure::energy;
}
template <>
consteval Measure measure_of<Watts>() {
  return Measure::power;
}

}  // namespace foreshard
